#include "wire/checksum.hpp"

#include <algorithm>

#include "wire/be.hpp"
#include "wire/headers.hpp"

namespace valinor::wire {
namespace {

constexpr std::uint16_t complement(std::uint16_t sum) noexcept {
  return static_cast<std::uint16_t>(~sum);
}

constexpr std::uint16_t fold(std::uint64_t sum) noexcept {
  while (sum >> 16 != 0) sum = (sum & 0xffff) + (sum >> 16);
  return static_cast<std::uint16_t>(sum);
}

}  // namespace

std::uint16_t ones_complement_sum(Bytes bytes, std::uint32_t start) noexcept {
  std::uint64_t sum = start;
  const std::byte* at = bytes.data();
  std::size_t left = bytes.size();
  for (; left >= 4; at += 4, left -= 4) sum += load_be<4>(at);
  if (left >= 2) {
    sum += load_be<2>(at);
    at += 2;
    left -= 2;
  }
  if (left == 1) sum += static_cast<std::uint64_t>(*at) << 8;
  return fold(sum);
}

std::uint16_t updated_checksum(std::uint16_t checksum, std::uint16_t before,
                               std::uint16_t after) noexcept {
  return complement(fold(std::uint64_t{complement(checksum)} + complement(before) + after));
}

std::uint16_t updated_checksum(std::uint16_t checksum, Bytes before, Bytes after) noexcept {
  return updated_checksum(checksum, ones_complement_sum(before), ones_complement_sum(after));
}

std::optional<Transport> find_transport(Bytes packet, const Ip& ip,
                                        std::size_t elsewhere) noexcept {
  if (ip.error != IpError::none || ip.fragment || ip.total_bytes > packet.size() + elsewhere ||
      ip.total_bytes < ip.header_bytes || packet.size() < ip.header_bytes) {
    return std::nullopt;
  }
  const std::size_t here = std::min<std::size_t>(ip.total_bytes, packet.size());
  const Bytes behind_ip = packet.first(here).subspan(ip.header_bytes);
  Transport transport{.protocol = ip.protocol,
                      .offset = ip.header_bytes,
                      .bytes = ip.total_bytes - ip.header_bytes,
                      .checksum_offset = ip.header_bytes};
  if (ip.protocol == ip_protocol::kTcp) {
    if (behind_ip.size() < sizeof(TcpHeader)) return std::nullopt;
    transport.checksum_offset += offsetof(TcpHeader, checksum);
    return transport;
  }
  if (ip.protocol != ip_protocol::kUdp) return std::nullopt;
  const auto udp = Reader{behind_ip}.read<UdpHeader>();
  if (!udp) return std::nullopt;
  // Only that many bytes are covered; what may follow up to the IP packet's end is not.
  transport.bytes = udp->length.value();
  if (transport.bytes < sizeof(UdpHeader) || transport.bytes > ip.total_bytes - ip.header_bytes) {
    return std::nullopt;
  }
  transport.checksum_offset += offsetof(UdpHeader, checksum);
  return transport;
}

std::uint16_t pseudo_header_sum(Bytes packet, const Ip& ip, const Transport& transport) noexcept {
  static_assert(offsetof(Ipv4Header, destination) == offsetof(Ipv4Header, source) + 4);
  static_assert(offsetof(Ipv6Header, destination) == offsetof(Ipv6Header, source) + 16);
  const Bytes addresses = ip.version == 4 ? packet.subspan(offsetof(Ipv4Header, source), 8)
                                          : packet.subspan(offsetof(Ipv6Header, source), 32);
  return ones_complement_sum(addresses, transport.protocol + transport.bytes);
}

std::uint16_t transport_checksum(Bytes packet, const Ip& ip, const Transport& transport,
                                 std::span<const Bytes> rest) noexcept {
  const Bytes before =
      packet.subspan(transport.offset, transport.checksum_offset - transport.offset);
  const std::size_t here = std::min<std::size_t>(packet.size(), transport.offset + transport.bytes);
  const Bytes after = packet.first(here).subspan(transport.checksum_offset + sizeof(Be<2>));
  std::uint64_t sum = ones_complement_sum(
      after, ones_complement_sum(before, pseudo_header_sum(packet, ip, transport)));
  std::size_t summed = here - transport.offset;
  for (Bytes part : rest) {
    part = part.first(std::min(part.size(), transport.bytes - summed));
    // Of a part that starts at an odd offset, upper and lower halves of words are the other way.
    const std::uint16_t words = ones_complement_sum(part);
    sum += summed % 2 == 0 ? words : __builtin_bswap16(words);
    summed += part.size();
  }
  const std::uint16_t checksum = complement(fold(sum));
  return checksum == 0 && transport.protocol == ip_protocol::kUdp ? std::uint16_t{0xffff}
                                                                  : checksum;
}

}  // namespace valinor::wire
