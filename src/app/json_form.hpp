/// What a run reports, as JSON: for json_events and for the catalogue of runs. docs/json.md has the
/// members.
#pragma once

#include <cstddef>
#include <nlohmann/json_fwd.hpp>

#include "app/books.hpp"
#include "app/wiring.hpp"

namespace valinor::app {

using Json = nlohmann::ordered_json;  // members stay in their order

/// One queue of the interface with that index, as it was asked for and obtained.
[[nodiscard]] Json queue_form(const Wiring& wiring, std::size_t interface,
                              const packet_io::afxdp::AfxdpPort& port);

[[nodiscard]] Json to_json(const RecordBooks& books);
[[nodiscard]] Json to_json(const FrameBooks& books);
[[nodiscard]] Json to_json(const TapBooks& books);

}  // namespace valinor::app
