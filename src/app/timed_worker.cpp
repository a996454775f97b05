#include "app/timed_worker.hpp"

#include <array>

#include "base/thread.hpp"
#include "clock/tsc.hpp"

namespace valinor::app {

TimedWorker::TimedWorker(const Config& config, Lane& lane, const clock::SharedTimebase& timebase,
                         const clock::PhcDiscipline* nic_clock, packet_io::afxdp::PollMode poll)
    : lane_{lane},
      port_{*lane.ports().front()},
      spin_{spin_turns(poll)},
      worker_{config.worker,
              0,
              {{.in = &port_,
                .out = &port_,
                .treatment = pipeline::Treatment::consume,
                .in_clock = nic_clock}},
              {lane.records(), timebase, nullptr, config.clock}} {}

void TimedWorker::start() {
  thread_ = std::jthread{[this](const std::stop_token& stop) {
    name_this_thread(lane_.name());
    if (lane_.cpu()) pin_this_thread(*lane_.cpu());
    run(stop);
  }};
}

void TimedWorker::stop() {
  if (!thread_.joinable()) return;
  thread_.request_stop();
  port_.wake_up();
  thread_.join();
}

inline bool TimedWorker::turn() noexcept {
  const clock::TscTicks before = clock::read_tsc();
  if (!worker_.turn()) return false;
  busy_ticks_.add(static_cast<std::uint64_t>(clock::ticks_between(before, clock::read_tsc())));
  return true;
}

void TimedWorker::run(const std::stop_token& stop) noexcept {
  const std::array<Port*, 1> ports{&port_};
  std::size_t idle = 0;
  while (!stop.stop_requested()) {
    if (turn()) {
      idle = 0;
    } else if (++idle > spin_) {
      Port::wait(ports);
    }
  }
  while (turn()) {
  }
}

}  // namespace valinor::app
