/// Turns a packet around so that it goes back to its sender, telemetry untouched.
#pragma once

#include <cstddef>
#include <span>

#include "base/drop_reason.hpp"
#include "telemetry/decode.hpp"

namespace valinor::telemetry {

/// Swaps source and destination of Ethernet, IP and, where there are any, ports. Every checksum
/// stays as right as it was: ones' complement addition does not care for the order of its words.
void reflect(std::span<std::byte> frame, const Anatomy& anatomy) noexcept;

}  // namespace valinor::telemetry
