#include "app/json_form.hpp"

#include <array>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>

namespace valinor::app {
namespace {

/// Null: the worker may run anywhere.
Json cpu_form(std::optional<CpuId> cpu) { return cpu ? Json(cpu->value()) : Json(nullptr); }

/// {"tx_full": 3}: the reasons that occurred.
template <class Reason, std::size_t kCount>
Json reasons(const std::array<std::uint64_t, kCount>& counts) {
  Json by_name = Json::object();
  for (std::size_t i = 0; i < kCount; ++i) {
    if (counts[i] != 0) by_name[std::string{to_name(static_cast<Reason>(i))}] = counts[i];
  }
  return by_name;
}

}  // namespace

Json queue_form(const Wiring& wiring, std::size_t interface,
                const packet_io::afxdp::AfxdpPort& port) {
  const packet_io::afxdp::OpenInterface& open = *wiring.interfaces[interface];
  return {{"interface", open.interface().name},
          {"queue", port.queue().value()},
          {"driver", open.interface().driver},
          {"cpu", cpu_form(wiring.cpu_of(port))},
          {"asked", to_name(wiring.asked[interface])},
          {"obtained", to_name(open.mode_of(port))},
          {"why", open.refusal_of(port)},
          {"filter_on_nic", open.has_filter_on_nic()},
          {"busy_polling", port.is_busy_polling() || port.awaits_busy_polling()},
          {"several_frames", port.takes_several_buffers()}};
}

Json to_json(const RecordBooks& books) {
  Json lost = reasons<exporter::LossReason>(books.lost);
  if (books.ring_full != 0) lost["ring_full"] = books.ring_full;
  return {{"stores", books.stores},       {"produced", books.produced},
          {"recovered", books.recovered}, {"stored", books.stored},
          {"collapsed", books.collapsed}, {"pending", books.pending},
          {"on_disk", books.on_disk},     {"lost", lost},
          {"balanced", books.balanced()}};
}

Json to_json(const FrameBooks& books) {
  return {{"received", books.received},
          {"transmitted", books.transmitted},
          {"consumed", books.consumed},
          {"passed", books.passed},
          {"dropped", reasons<DropReason>(books.dropped)},
          {"balanced", books.balanced()}};
}

Json to_json(const TapBooks& books) {
  return {{"packets", books.packets},
          {"records", books.records},
          {"overflow", books.overflow},
          {"balanced", books.balanced()}};
}

}  // namespace valinor::app
