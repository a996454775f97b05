#include "measure/trial.hpp"

#include <algorithm>
#include <array>
#include <limits>
#include <vector>

#include "measure/arrivals.hpp"
#include "measure/send_burst.hpp"
#include "traffic/pacer.hpp"

namespace valinor::measure {
namespace {

using packet_io::Frame;
using packet_io::kMaxBurst;
using packet_io::afxdp::AfxdpPort;
using Clock = std::chrono::steady_clock;

/// After the last packet: how long none may come before the others are lost. Longer than any queue
/// of a network lasts, and than an interrupt of this host.
constexpr Nanos kGrace{200'000'000};

/// Turns between two questions whether to stop.
constexpr unsigned kTurnsPerQuestion = 4096;

/// Tells the packets of one trial from those of others, also of other programs.
std::uint32_t next_measurement() {
  static std::uint32_t last =
      static_cast<std::uint32_t>(Clock::now().time_since_epoch().count() >> 10);
  return ++last;
}

class Trial {
 public:
  Trial(const Link& link, const TrialConfig& config)
      : link_{link},
        frames_{config.frames},
        pacer_{departures_of(config)},
        arrivals_{config.frames.flows},
        left_{config.count == 0 ? std::numeric_limits<std::uint64_t>::max() : config.count},
        duration_{config.duration} {
    const std::size_t queues = link.senders().size();
    numbering_.reserve(queues);
    for (std::size_t q = 0; q < queues; ++q) numbering_.push_back({.next = q, .step = queues});
  }

  TrialResult run(const std::function<bool()>& stopped) {
    bool over = false;
    for (unsigned turn = 1; !over; ++turn) {
      over = !send() || (turn % kTurnsPerQuestion == 0 && stopped());
      receive();
    }
    result_.seconds = std::chrono::duration<double>(elapsed()).count();
    for (Nanos last = elapsed();
         arrivals_.received() < result_.sent && elapsed() < last + kGrace;) {
      link_.flush();
      if (receive()) last = elapsed();
    }
    result_.received = arrivals_.received();
    result_.reordered = arrivals_.reordered();
    result_.duplicated = arrivals_.duplicated();
    return result_;
  }

 private:
  static std::optional<traffic::Departures> departures_of(const TrialConfig& config) {
    if (!config.pattern) return std::nullopt;
    return traffic::Departures{*config.pattern};
  }

  [[nodiscard]] Nanos elapsed() const { return Clock::now() - begin_; }

  /// What is due, by one queue; answers whether there will be more.
  bool send() {
    const Nanos now = elapsed();
    const auto due =
        pacer_.due(std::min(now, duration_), std::min<std::uint64_t>(left_, kMaxBurst));
    if (due.empty()) {
      link_.flush();
      return left_ != 0 && now < duration_;
    }
    const std::size_t taken =
        send_burst(*link_.senders()[queue_], frames_, numbering_[queue_], due, now, measurement_);
    pacer_.sent(taken);
    left_ -= taken;
    result_.sent += taken;
    // A burst that was cut stays with its queue.
    if (taken == due.size()) queue_ = (queue_ + 1) % numbering_.size();
    return left_ != 0 && now < duration_;
  }

  /// Answers whether anything of this trial has come.
  bool receive() {
    const std::uint64_t before = arrivals_.received();
    std::array<Frame, kMaxBurst> burst;
    for (AfxdpPort* port : link_.receivers()) {
      const std::size_t got = port->receive(burst);
      if (got == 0) continue;
      const Nanos now = elapsed();
      for (std::size_t i = 0; i < got; ++i) take(burst[i], now);
      port->recycle({burst.data(), got});
    }
    return arrivals_.received() != before;
  }

  void take(const Frame& frame, Nanos now) {
    const auto stamp = traffic::read_stamp(frame.span());
    if (!stamp || stamp->measurement != measurement_) return;
    const Numbering& numbering = numbering_[stamp->number % numbering_.size()];
    if (stamp->number >= numbering.next) return;  // not sent by us
    if (!arrivals_.add(stamp->number)) return;
    result_.delay.add(static_cast<std::uint64_t>(std::max(now - stamp->sent, Nanos{0}).count()));
  }

  const Link& link_;
  traffic::FrameTemplates frames_;
  traffic::Pacer pacer_;
  Arrivals arrivals_;
  std::uint32_t measurement_ = next_measurement();
  std::uint64_t left_;
  Nanos duration_;
  Clock::time_point begin_ = Clock::now();
  std::vector<Numbering> numbering_;  // of each sending queue
  std::size_t queue_ = 0;             // that sends next
  TrialResult result_;
};

}  // namespace

TrialResult run_trial(const Link& link, const TrialConfig& config,
                      const std::function<bool()>& stopped) {
  return Trial{link, config}.run(stopped);
}

}  // namespace valinor::measure
