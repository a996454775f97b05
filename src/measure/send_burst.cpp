#include "measure/send_burst.hpp"

#include <array>

namespace valinor::measure {

using packet_io::Frame;

std::size_t send_burst(packet_io::afxdp::AfxdpPort& port, const traffic::FrameTemplates& frames,
                       Numbering& numbering, std::span<const Nanos> due, Nanos now,
                       std::uint32_t measurement,
                       const traffic::LaunchSchedule* launches) noexcept {
  std::array<Frame, packet_io::kMaxBurst> burst;
  const std::size_t got = port.allocate({burst.data(), std::min(due.size(), burst.size())});
  for (std::size_t i = 0; i < got; ++i) {
    const std::uint64_t number = numbering.next + i * numbering.step;
    // Each packet of a burst has its own switch time, or a sorted set would see one record.
    frames.write(number, static_cast<std::uint64_t>(now.count()) + i,
                 {burst[i].data, frames.frame_bytes()},
                 {.measurement = measurement, .number = number, .sent = now});
    burst[i].bytes = static_cast<std::uint32_t>(frames.frame_bytes());
    if (launches != nullptr) burst[i].launch_ns = launches->launch_ns(due[i]);
  }
  const std::size_t taken = port.transmit({burst.data(), got});
  port.recycle({burst.data() + taken, got - taken});
  port.flush();
  numbering.next += taken * numbering.step;
  return taken;
}

}  // namespace valinor::measure
