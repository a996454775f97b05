#include "app/generate.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <limits>
#include <memory>
#include <optional>

#include "app/generate_kernel.hpp"
#include "base/numbers.hpp"
#include "clock/phc.hpp"
#include "measure/send_burst.hpp"
#include "nic/timestamping.hpp"
#include "packet_io/afxdp/open_interface.hpp"
#include "packet_io/replay/pcap_file.hpp"
#include "traffic/departures.hpp"
#include "traffic/frame_template.hpp"
#include "traffic/launch_schedule.hpp"
#include "traffic/pacer.hpp"

namespace valinor::app {
namespace {

using packet_io::afxdp::AfxdpPort;
using std::chrono::steady_clock;

/// How long frames may take to leave at the end.
constexpr std::chrono::seconds kTransmitPatience{2};

/// In less no rate is told.
constexpr double kShortestForRate = 0.01;

/// A capture without a rate gets packets this far apart: 1 Mpps.
constexpr std::uint64_t kCaptureRate = 1'000'000;

/// Counts down to the end of the traffic.
class Remaining {
 public:
  explicit Remaining(const GenCommand& command)
      : packets_{command.count == 0 ? std::numeric_limits<std::uint64_t>::max() : command.count},
        end_{command.duration.count() == 0 ? steady_clock::time_point::max()
                                           : steady_clock::now() + command.duration} {}

  [[nodiscard]] std::uint64_t packets() const noexcept { return packets_; }
  void sent(std::uint64_t packets) noexcept { packets_ -= packets; }
  [[nodiscard]] bool over() const noexcept { return packets_ == 0 || steady_clock::now() >= end_; }

 private:
  std::uint64_t packets_;
  steady_clock::time_point end_;
};

/// How long a packet may take to the NIC that is to send it at a given time.
constexpr Nanos kLaunchLead{1'000'000};
/// How often the NIC's clock is read for that.
constexpr Nanos kAnchorInterval{500'000'000};

/// The launch times that a NIC is given.
class Launches {
 public:
  /// Throws Failure (GEN-LAUNCH-01) where driver or kernel send at no given time.
  Launches(const packet_io::afxdp::Interface& interface,
           const std::vector<std::unique_ptr<AfxdpPort>>& ports)
      : clock_{require_clock(interface, ports)}, schedule_{kLaunchLead} {}

  /// To be called again and again.
  void follow(Nanos elapsed) {
    if (elapsed < next_) return;
    const auto sample = clock_.sample();
    if (sample) schedule_.anchor(sample->nic, elapsed);
    next_ = elapsed + kAnchorInterval;
  }
  [[nodiscard]] const traffic::LaunchSchedule& schedule() const noexcept { return schedule_; }

 private:
  static clock::Phc require_clock(const packet_io::afxdp::Interface& interface,
                                  const std::vector<std::unique_ptr<AfxdpPort>>& ports) {
    const bool granted = std::ranges::all_of(
        ports, [](const auto& port) { return port->transmit_grants().launch_time; });
    const auto abilities = nic::timestamp_abilities(nic::Device{interface.name});
    if (granted && abilities && abilities->phc >= 0) return clock::Phc{abilities->phc};
    throw Failure{
        ExitStatus::host_not_ready,
        {"GEN-LAUNCH-01", interface.name + " sends at no given time",
         fmt::format("driver {} does not offer it in zero-copy mode, or the kernel is older than "
                     "6.14",
                     interface.driver),
         "without --launch-time the program keeps the rate itself"}};
  }

  clock::Phc clock_;
  traffic::LaunchSchedule schedule_;
  Nanos next_{0};
};

ExitStatus generate_capture(const GenCommand& command, const traffic::FrameTemplates& frames) {
  traffic::Departures departures{
      command.pattern.value_or(traffic::PatternConfig{.packets_per_second = kCaptureRate})};
  const Nanos end = command.duration.count() == 0 ? Nanos::max() : Nanos{command.duration};
  packet_io::replay::PcapWriter writer{command.target};
  std::vector<std::byte> frame(frames.frame_bytes());
  std::uint64_t count = 0;
  for (Nanos time = departures.next(); time < end; time = departures.next()) {
    frames.write(count, static_cast<std::uint64_t>(time.count()), frame);
    writer.write(frame, static_cast<std::uint32_t>(frame.size()), {time});
    if (++count == command.count) break;
  }
  if (!writer.flush()) {
    throw Failure{ExitStatus::host_not_ready,
                  {"PCAP-WRITE-02", "capture '" + command.target + "' is incomplete",
                   "writing to it failed", "df .    shows whether the disk is full"}};
  }
  fmt::print("wrote    {} packets to {}\n", with_commas(count), command.target);
  return ExitStatus::done;
}

}  // namespace

std::string describe_rate(std::uint64_t packets, double seconds) {
  if (seconds < kShortestForRate) return fmt::format("{:.4f} s", seconds);
  return fmt::format(
      "{:.2f} s = {} pps", seconds,
      with_commas(static_cast<std::uint64_t>(static_cast<double>(packets) / seconds)));
}

ExitStatus report_sent(std::uint64_t written, std::uint64_t left, double seconds) {
  fmt::print("sent     {} packets in {}", with_commas(left), describe_rate(left, seconds));
  if (left != written)
    fmt::print("; {} more were refused by the device", with_commas(written - left));
  fmt::print("\n");
  std::fflush(stdout);
  return ExitStatus::done;
}

void require_frame_fits(std::size_t frame_bytes, std::size_t limit, const std::string& where) {
  if (frame_bytes <= limit) return;
  throw Failure{ExitStatus::usage,
                {"GEN-SIZE-01", fmt::format("frames of {} bytes do not fit", frame_bytes),
                 fmt::format("{} takes {} bytes", where, limit),
                 "fewer --hops, a smaller --collect-size layout or --payload"}};
}

ExitStatus generate(const GenCommand& command, Signals& signals) {
  const traffic::FrameTemplates frames{command.frames};
  if (command.target.ends_with(".pcap")) return generate_capture(command, frames);
  if (command.by_kernel) return generate_by_kernel(command, frames, signals);

  const auto interface = packet_io::afxdp::find_interface(command.target);
  require_frame_fits(frames.frame_bytes(), interface.mtu + sizeof(wire::EthernetHeader),
                     fmt::format("{} with its MTU of {}", interface.name, interface.mtu));
  packet_io::afxdp::FramePools pools;
  const packet_io::afxdp::UmemConfig memory{.frame_size = 4096};
  std::vector<std::unique_ptr<AfxdpPort>> ports;
  for (const QueueId queue : packet_io::afxdp::choose_queues(interface, command.queues)) {
    pools.push_back(std::make_unique<packet_io::afxdp::FramePool>(memory));
    ports.push_back(std::make_unique<AfxdpPort>(
        interface, queue, *pools.back(), packet_io::afxdp::RingSizes{},
        packet_io::afxdp::Mode::automatic, packet_io::afxdp::Use::transmit_only,
        packet_io::afxdp::TxMetadataWishes{.launch_time = command.launch_time}));
  }
  require_frame_fits(frames.frame_bytes(), ports.front()->room(), "a piece of packet memory");

  std::optional<Launches> launches;
  if (command.launch_time) launches.emplace(interface, ports);

  const auto begin = steady_clock::now();
  const auto elapsed = [&] {
    return std::chrono::duration_cast<Nanos>(steady_clock::now() - begin);
  };
  Remaining remaining{command};
  std::optional<traffic::Departures> departures;
  if (command.pattern) departures.emplace(*command.pattern);
  traffic::Pacer pacer{departures};
  // Queue q sends the packets q, q + queues, ...: with as many flows, or a multiple, a flow keeps
  // to one queue.
  std::vector<measure::Numbering> numbering;
  numbering.reserve(ports.size());
  for (std::size_t q = 0; q < ports.size(); ++q) {
    numbering.push_back({.next = q, .step = ports.size()});
  }
  std::uint64_t written = 0;
  for (std::size_t q = 0; !remaining.over();) {
    if (launches) launches->follow(elapsed());
    const auto due =
        pacer.due(elapsed(), std::min<std::uint64_t>(remaining.packets(), packet_io::kMaxBurst));
    if ((q == 0 || due.empty()) && !signals.wait(std::chrono::milliseconds{0}).empty()) break;
    if (due.empty()) {
      for (const auto& port : ports) port->flush();
      continue;  // with the same queue, or the one that looks for signals would get more packets
    }
    const std::size_t taken = measure::send_burst(*ports[q], frames, numbering[q], due, elapsed(),
                                                  0, launches ? &launches->schedule() : nullptr);
    written += taken;
    pacer.sent(taken);
    remaining.sent(taken);
    q = (q + 1) % ports.size();
  }
  std::vector<AfxdpPort*> sending;
  sending.reserve(ports.size());
  for (const auto& port : ports) sending.push_back(port.get());
  AfxdpPort::finish(sending, steady_clock::now() + kTransmitPatience);
  std::uint64_t left = 0;
  for (const auto& port : ports) left += port->counters().sent();
  return report_sent(written, left, std::chrono::duration<double>(elapsed()).count());
}

}  // namespace valinor::app
