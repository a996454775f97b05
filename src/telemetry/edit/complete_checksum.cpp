#include "telemetry/edit/complete_checksum.hpp"

#include "wire/be.hpp"
#include "wire/checksum.hpp"
#include "wire/headers.hpp"

namespace valinor::telemetry {

namespace {

/// A transport header whose checksum field holds the bare pseudo-header's sum.
struct Unfinished {
  wire::Ip ip;
  wire::Transport transport;
};

std::optional<Unfinished> find(wire::Bytes packet, std::size_t elsewhere = 0) noexcept {
  if (packet.empty()) return std::nullopt;
  const unsigned version = std::to_integer<unsigned>(packet[0]) >> 4;
  const wire::Ip ip =
      wire::parse_ip(packet, version == 6 ? wire::ethertype::kIpv6 : wire::ethertype::kIpv4);
  const auto transport = wire::find_transport(packet, ip, elsewhere);
  if (!transport) return std::nullopt;
  // The sum is never 0 (the protocol number is in it), so "no checksum" is never taken for it.
  if (wire::load_be<2>(packet.data() + transport->checksum_offset) !=
      wire::pseudo_header_sum(packet, ip, *transport)) {
    return std::nullopt;
  }
  return Unfinished{ip, *transport};
}

}  // namespace

bool complete_checksum(std::span<std::byte> frame, std::uint32_t ip_offset,
                       std::span<const wire::Bytes> rest) noexcept {
  if (ip_offset >= frame.size()) return false;
  const wire::Bytes packet = frame.subspan(ip_offset);
  std::size_t elsewhere = 0;
  for (const wire::Bytes part : rest) elsewhere += part.size();
  const auto unfinished = find(packet, elsewhere);
  if (!unfinished) return false;
  const auto& [ip, transport] = *unfinished;
  wire::store_be<2>(frame.data() + ip_offset + transport.checksum_offset,
                    wire::transport_checksum(packet, ip, transport, rest));
  return true;
}

std::optional<UnfinishedChecksum> find_unfinished_checksum(std::span<const std::byte> frame,
                                                           std::uint32_t ip_offset) noexcept {
  if (ip_offset >= frame.size()) return std::nullopt;
  const wire::Bytes packet = frame.subspan(ip_offset);
  const auto unfinished = find(packet);
  if (!unfinished) return std::nullopt;
  const wire::Transport& transport = unfinished->transport;
  if (transport.offset + transport.bytes != packet.size()) return std::nullopt;
  return UnfinishedChecksum{
      .start = static_cast<std::uint16_t>(ip_offset + transport.offset),
      .offset = static_cast<std::uint16_t>(transport.checksum_offset - transport.offset)};
}

}  // namespace valinor::telemetry
