/// What workers need to know of the configuration.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "base/time.hpp"
#include "pipeline/rpc_table.hpp"
#include "telemetry/edit/insert.hpp"
#include "wire/headers.hpp"
#include "wire/match.hpp"

namespace valinor::pipeline {

/// What is done with packets once their record is taken. The last five pass packets on between two
/// interfaces: the network's, and one towards the host (forward.to).
enum class Role : std::uint8_t {
  collect,  // nothing: the frame is recycled
  reflect,  // MAC and IP addresses and ports are swapped, and it leaves by the queue it came in
  forward,  // passed on, telemetry untouched
  sink,     // towards the host: telemetry is removed
  transit,  // a hop of our own is pushed, in both directions
  source,   // towards the network: telemetry is inserted into plain packets
  host,     // towards the host: removed and remembered; on replies: put back with the host's time
};

[[nodiscard]] constexpr bool is_two_sided(Role role) noexcept { return role >= Role::forward; }

/// The role's name in the configuration: "collect".
[[nodiscard]] constexpr std::string_view to_name(Role role) noexcept {
  switch (role) {
    case Role::collect: return "collect";
    case Role::reflect: return "reflect";
    case Role::forward: return "forward";
    case Role::sink: return "sink";
    case Role::transit: return "transit";
    case Role::source: return "source";
    case Role::host: return "host";
  }
  return "?";
}

/// Frames towards the host get these addresses; without one, theirs stays.
struct MacRewrite {
  std::optional<wire::MacAddress> destination;
  std::optional<wire::MacAddress> source;
};

/// Two-sided roles: what is done with frames that find the TX ring full.
enum class OnTxFull : std::uint8_t {
  drop,
  retry,  // flush and try again, a few times; meanwhile nothing is received
};

/// Role transit, and the hop that role source inserts.
struct HopConfig {
  std::uint32_t switch_id = 1;
  std::uint8_t collect_size = 3;  // layout where the packet has no traces yet, 0..3
};

/// Role source: which plain packets get telemetry.
struct SourceConfig {
  std::vector<std::uint8_t> ip_protocols{17};  // IPv4 only
  std::vector<std::uint16_t> dst_ports;        // empty: all
  std::uint32_t every = 1;                     // one packet in so many, of each worker
  Nanos gap{0};                                // ... and not within this time of the last one
};

struct WorkerConfig {
  Role role = Role::collect;
  wire::MatchRules match;
  std::optional<std::uint8_t> collect_size;  // of P4NetIntel, 0..3; nothing: found in each packet
  std::uint16_t max_hops = 64;               // HopRecords kept of a packet
  std::size_t record_ring_bytes = std::size_t{16} << 20;  // per worker

  MacRewrite rewrite;
  OnTxFull on_tx_full = OnTxFull::drop;
  unsigned transmit_retries = 3;  // where on_tx_full is retry
  HopConfig hop;
  SourceConfig source;
  RpcTableConfig rpcs;  // role host
  telemetry::HostByteOrder host_byte_order = telemetry::HostByteOrder::network;
};

}  // namespace valinor::pipeline
