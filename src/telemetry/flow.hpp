/// Reads what identifies a packet's flow and RPC.
#pragma once

#include <cstddef>
#include <cstdint>

#include "telemetry/record.hpp"
#include "wire/packet.hpp"
#include "wire/reader.hpp"

namespace valinor::telemetry {

/// TCP and UDP.
[[nodiscard]] bool has_ports(std::uint8_t protocol) noexcept;

/// Addresses and protocol; ports stay as they are. `packet` starts at the IP header that `ip` was
/// parsed from.
void read_addresses(wire::Bytes packet, const wire::Ip& ip, FlowKey& flow) noexcept;

/// Ports, where `flow.protocol` has them and `transport` holds them; answers whether.
bool read_ports(wire::Bytes transport, FlowKey& flow) noexcept;

/// The RPC id: the first word behind the UDP or TCP header; 0 where there is none. (The original
/// looks behind 20 bytes of TCP whatever its options, and so takes options for an id.)
[[nodiscard]] std::uint32_t read_rpc_id(wire::Bytes transport, std::uint8_t protocol) noexcept;

/// The flow and RPC id of an unfragmented IPv4 packet; false where it has no ports or no id.
/// `packet` starts at the IP header.
[[nodiscard]] bool read_rpc(wire::Bytes packet, FlowKey& flow, std::uint32_t& rpc_id) noexcept;

}  // namespace valinor::telemetry
