#include "app/lane.hpp"

#include <algorithm>
#include <limits>

#include "base/log.hpp"
#include "base/thread.hpp"

namespace valinor::app {
namespace {

using packet_io::afxdp::PollMode;

/// Idle turns before a worker sleeps in `auto`: about 0.1 ms. Fewer: at some 10 kpps every packet
/// pays a wake-up. More: an idle queue burns its core.
constexpr std::size_t kSpinTurns = 1000;

std::vector<Lane::Port*> ports_of(const Lane::Directions& directions) {
  std::vector<Lane::Port*> ports;
  for (const auto& way : directions) {
    if (std::find(ports.begin(), ports.end(), way.in) == ports.end()) ports.push_back(way.in);
  }
  return ports;
}

}  // namespace

std::size_t spin_turns(PollMode mode) noexcept {
  switch (mode) {
    case PollMode::busy: return std::numeric_limits<std::size_t>::max();
    case PollMode::wakeup: return 0;
    case PollMode::automatic: return kSpinTurns;
  }
  return kSpinTurns;
}

Lane::Lane(const Config& config, std::uint32_t id, const Directions& directions, Place place,
           const clock::SharedTimebase& timebase, pipeline::RpcTable* rpcs)
    : ports_{ports_of(directions)},
      records_{config.worker.record_ring_bytes},
      worker_{config.worker, id, directions, {records_, timebase, rpcs, config.clock}},
      place_{std::move(place)} {}

void Lane::start() {
  thread_ = std::jthread{[this](const std::stop_token& stop) {
    name_this_thread(place_.thread_name);
    if (place_.cpu) pin_this_thread(*place_.cpu);
    worker_.run(stop, spin_turns(place_.poll));
    Port::finish(ports_, transmit_deadline_);
    worker_.note_departures();
  }};
}

void Lane::ask_to_stop(std::chrono::steady_clock::time_point deadline) {
  if (!thread_.joinable()) return;
  transmit_deadline_ = deadline;
  thread_.request_stop();
  for (const Port* port : ports_) port->wake_up();
}

void Lane::join() {
  if (!thread_.joinable()) return;
  thread_.join();
  check_frames();
}

/// Every frame is in exactly one place: in a ring, on the free list, or with the kernel, which
/// keeps at most one for each socket in copy mode, and any number in zero-copy.
void Lane::check_frames() const {
  std::uint64_t found = 0;
  std::uint64_t with_kernel = 0;
  for (const Port* port : ports_) {
    const auto census = port->census();
    found += census.fill + census.rx + census.tx + census.completion;
    with_kernel += 1 + port->counters().unfinished.value() + port->at_kernel();
    if (port->is_zerocopy()) return;
  }
  const auto census = ports_.front()->census();
  found += census.free + census.worker;
  const std::uint64_t frames = ports_.front()->frames();
  if (found <= frames && found + with_kernel >= frames) return;
  log::error("{}: {} of {} frames of packet memory are accounted for", place_.thread_name, found,
             frames);
}

}  // namespace valinor::app
