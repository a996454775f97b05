#include "telemetry/edit/complete_checksum.hpp"

#include "wire/be.hpp"
#include "wire/checksum.hpp"
#include "wire/headers.hpp"

namespace valinor::telemetry {

bool complete_checksum(std::span<std::byte> frame, std::uint32_t ip_offset) noexcept {
  if (ip_offset >= frame.size()) return false;
  const wire::Bytes packet = frame.subspan(ip_offset);
  const unsigned version = std::to_integer<unsigned>(packet[0]) >> 4;
  const wire::Ip ip =
      wire::parse_ip(packet, version == 6 ? wire::ethertype::kIpv6 : wire::ethertype::kIpv4);
  const auto transport = wire::find_transport(packet, ip);
  if (!transport) return false;
  std::byte* field = frame.data() + ip_offset + transport->checksum_offset;
  // The sum is never 0 (the protocol number is in it), so "no checksum" is never taken for it.
  if (wire::load_be<2>(field) != wire::pseudo_header_sum(packet, ip, *transport)) return false;
  wire::store_be<2>(field, wire::transport_checksum(packet, ip, *transport));
  return true;
}

}  // namespace valinor::telemetry
