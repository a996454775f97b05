/// Sends generated packets by one queue of an interface.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "packet_io/afxdp/afxdp_port.hpp"
#include "traffic/frame_template.hpp"
#include "traffic/launch_schedule.hpp"

namespace valinor::measure {

/// The queues of an interface send in turn: queue q has the packets q, q + step, ...
struct Numbering {
  std::uint64_t next = 0;
  std::uint64_t step = 1;
};

/// Sends packets that are `due`, at most packet_io::kMaxBurst, and flushes; answers how many the
/// queue took, and advances the numbering by those. `now` is what Valinor-N packets and stamps
/// carry. `launches`: null where no NIC keeps the rate.
std::size_t send_burst(packet_io::afxdp::AfxdpPort& port, const traffic::FrameTemplates& frames,
                       Numbering& numbering, std::span<const Nanos> due, Nanos now,
                       std::uint32_t measurement = 0,
                       const traffic::LaunchSchedule* launches = nullptr) noexcept;

}  // namespace valinor::measure
