/// Feeds a frame through what every received frame goes through: match, decode, edit.
/// libFuzzer finds reads outside the frame by the address sanitizer.

#include <array>
#include <cstdint>
#include <cstdlib>
#include <optional>
#include <vector>

#include "telemetry/decode.hpp"
#include "telemetry/edit/reflect.hpp"
#include "wire/match.hpp"

namespace {

using valinor::DropReason;
using valinor::telemetry::p4netintel::Layout;

constexpr std::uint16_t kMaxHops = 24;

/// Decodes by one forced layout or by none; what is decoded must stay within its bounds. A capture
/// has left out the last `cut` bytes.
void decode(std::vector<std::byte>& frame, std::uint32_t cut, valinor::wire::Decision decision,
            std::optional<Layout> layout) {
  valinor::telemetry::PacketRecord packet;
  std::array<valinor::telemetry::HopRecord, kMaxHops> hops;
  valinor::telemetry::Anatomy anatomy;
  valinor::telemetry::Decoder decoder{layout};
  if (decoder.decode(frame, static_cast<std::uint32_t>(frame.size()) + cut, decision,
                     {&packet, hops.data(), kMaxHops}, anatomy) != DropReason::none) {
    return;
  }
  if (packet.hop_count > kMaxHops || packet.hop_count > packet.hops_claimed) std::abort();
  const std::vector<std::byte> before = frame;
  valinor::telemetry::reflect(frame, anatomy);
  valinor::telemetry::reflect(frame, anatomy);
  if (frame != before) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto* bytes = reinterpret_cast<const std::byte*>(data);
  std::vector<std::byte> frame{bytes, bytes + size};
  static const valinor::wire::Match match{{.ethertypes = {0x1212},
                                           .ip_protocols = {253, 255},
                                           .udp_dst_ports = {5000},
                                           .dscp = valinor::wire::DscpMatch{0x17, 0x3f}}};
  const auto decision = match.decide(frame);
  if (!valinor::wire::is_telemetry(decision)) return 0;
  const std::uint32_t cut = data[size - 1] % 2 * 100;  // of every other frame
  decode(frame, cut, decision, std::nullopt);
  for (const Layout layout :
       {Layout::discrete, Layout::depth_only, Layout::standard, Layout::full}) {
    decode(frame, cut, decision, layout);
  }
  return 0;
}
