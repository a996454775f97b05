/// Sends packets along the whole path: for bench/path/instructions to count what is executed within
/// measured_turn(), and to time it.
///
///   count_path collect|reflect TRAFFIC PACKETS [WORKERS [lose]]
///
/// TRAFFIC as load/named_frames.hpp has it. Each worker is a thread with a port of its own, on a
/// CPU of its own, and gets PACKETS. With "lose" nobody takes the records: only what comes once
/// their ring is full is measured. Prints how many packets were measured, and the time of one: the
/// median over stretches of some hundred bursts, of all workers.
#include <algorithm>
#include <barrier>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "base/thread.hpp"
#include "load/named_frames.hpp"
#include "path/whole_path.hpp"

/// A name that callgrind finds, and a call that is not inlined.
extern "C" [[gnu::noinline]] void measured_turn(valinor::bench::WholePath& path) noexcept {
  path.turn();
}

namespace valinor::bench {
namespace {

using Clock = std::chrono::steady_clock;

/// Packets whose times become one figure: some milliseconds. Shorter, and a burst that an interrupt
/// met counts; longer, and few figures are left without one.
constexpr std::uint64_t kStretch = 256 * std::uint64_t{packet_io::kMaxBurst};

struct Task {
  pipeline::Role role;
  Frames frames;
  std::uint64_t packets;
  unsigned workers;
  bool lose;
};

struct Measured {
  std::uint64_t packets = 0;
  std::vector<double> nanos;  // of a packet, of each stretch
  std::exception_ptr error;
};

void fill_ring(WholePath& path) {
  while (path.stats().records_ring_full.value() == 0) {
    if (path.deliver() == 0) throw std::runtime_error{"the path stands still"};
    path.turn();
  }
}

void measure(const Task& task, WholePath& path, Measured& measured) {
  std::uint64_t packets = 0;
  Clock::duration time{};
  while (measured.packets + packets < task.packets) {
    packets += path.deliver();
    const auto begin = Clock::now();
    measured_turn(path);
    time += Clock::now() - begin;
    if (!task.lose) path.take_records();
    if (packets < kStretch && measured.packets + packets < task.packets) continue;
    measured.nanos.push_back(std::chrono::duration<double, std::nano>(time).count() /
                             static_cast<double>(packets));
    measured.packets += std::exchange(packets, 0);
    time = {};
  }
}

/// The CPUs from the last one down: the first one has most of the interrupts.
void run_worker(const Task& task, unsigned number, std::barrier<>& start, Measured& measured) {
  try {
    const unsigned cpus = std::max(std::thread::hardware_concurrency(), 1u);
    pin_this_thread(CpuId{cpus - 1 - number % cpus});
    WholePath path{task.role, task.frames};
    if (task.lose) fill_ring(path);
    start.arrive_and_wait();
    measure(task, path, measured);
  } catch (...) {
    measured.error = std::current_exception();
    start.arrive_and_drop();
  }
}

int count(const Task& task) {
  std::vector<Measured> results(task.workers);
  std::barrier start{static_cast<std::ptrdiff_t>(task.workers)};
  {
    std::vector<std::jthread> threads;
    for (unsigned i = 0; i < task.workers; ++i) {
      threads.emplace_back([&, i] { run_worker(task, i, start, results[i]); });
    }
  }
  Measured all;
  for (const Measured& one : results) {
    if (one.error) std::rethrow_exception(one.error);
    all.packets += one.packets;
    all.nanos.insert(all.nanos.end(), one.nanos.begin(), one.nanos.end());
  }
  const auto middle = all.nanos.begin() + static_cast<std::ptrdiff_t>(all.nanos.size() / 2);
  std::nth_element(all.nanos.begin(), middle, all.nanos.end());
  std::printf("%llu packets\n%.2f ns a packet\n%zu bytes a frame\n",
              static_cast<unsigned long long>(all.packets), *middle, task.frames.frame_bytes);
  return 0;
}

}  // namespace
}  // namespace valinor::bench

int main(int argc, char** argv) {
  using valinor::pipeline::Role;
  const std::vector<std::string_view> words(argv + 1, argv + argc);
  const auto frames = valinor::bench::make_frames(words.size() > 1 ? words[1] : "");
  const auto number = [&](std::size_t i) { return std::strtoull(argv[i + 1], nullptr, 10); };
  const bool right = words.size() >= 3 && words.size() <= 5 && frames && number(2) != 0 &&
                     (words[0] == "collect" || words[0] == "reflect") &&
                     (words.size() < 4 || number(3) != 0) &&
                     (words.size() < 5 || words[4] == "lose");
  if (!right) {
    std::fprintf(stderr, "usage: count_path collect|reflect TRAFFIC PACKETS [WORKERS [lose]]\n");
    return 2;
  }
  try {
    return valinor::bench::count(
        {.role = words[0] == "collect" ? Role::collect : Role::reflect,
         .frames = *frames,
         .packets = number(2),
         .workers = words.size() > 3 ? static_cast<unsigned>(number(3)) : 1,
         .lose = words.size() > 4});
  } catch (const std::exception& error) {
    std::fprintf(stderr, "count_path: %s\n", error.what());
    return 1;
  }
}
