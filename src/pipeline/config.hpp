/// What workers need to know of the configuration.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include "wire/match.hpp"

namespace valinor::pipeline {

/// What is done with a telemetry packet once its record is taken.
enum class Role : std::uint8_t {
  collect,  // nothing: the frame is recycled
  reflect,  // MAC and IP addresses and ports are swapped, and it leaves by the queue it came in
};

/// The role's name in the configuration: "collect".
[[nodiscard]] constexpr std::string_view to_name(Role role) noexcept {
  switch (role) {
    case Role::collect: return "collect";
    case Role::reflect: return "reflect";
  }
  return "?";
}

struct WorkerConfig {
  Role role = Role::collect;
  wire::MatchRules match;
  std::optional<std::uint8_t> collect_size;  // of P4NetIntel, 0..3; nothing: found in each packet
  std::uint16_t max_hops = 64;               // HopRecords kept of a packet
  std::size_t record_ring_bytes = std::size_t{16} << 20;  // per worker
};

}  // namespace valinor::pipeline
