/// The floor that every AF_XDP program stands on: frames are received and dropped, or sent back
/// with their MAC addresses swapped, and nothing else is read; or all of their cache lines are, and
/// nothing is made of it. Rings and sockets are libxdp's. Or the same by the kernel alone, without
/// any user space.
///
///   floor INTERFACE drop|read|forward CPU...
///   floor INTERFACE kernel-drop|kernel-tx
///
/// One thread and one queue, from 0, for each CPU; the threads spin. Prints "ready" once packets
/// come; ends with SIGINT or SIGTERM. Needs root.
#include <linux/if_xdp.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <xdp/xsk.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <memory>
#include <stop_token>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "base/failure.hpp"
#include "base/mapping.hpp"
#include "base/thread.hpp"
#include "frame_programs.hpp"
#include "process.hpp"

namespace valinor::bench {
namespace {

// Rings as valinor-afxdp has them by default.
constexpr std::uint32_t kRingEntries = 2048;
constexpr std::uint32_t kFrameBytes = 2048;
constexpr std::uint32_t kFrames = 4096;
/// More than there are frames: the kernel shows a little late what it took, and even so a frame
/// always finds room.
constexpr std::uint32_t kFillEntries = 2 * kFrames;
constexpr std::uint32_t kBurst = 64;

void require_done(int error, const char* doing) {
  if (error == 0) return;
  errno = -error;
  throw_errno(doing);
}

struct Delete {
  void operator()(xsk_umem* umem) const noexcept { ::xsk_umem__delete(umem); }
  void operator()(xsk_socket* socket) const noexcept { ::xsk_socket__delete(socket); }
};

/// One queue. All of its frames are in the fill ring at first.
class Queue {
 public:
  Queue(const std::string& interface, std::uint32_t number, int sockets)
      : memory_{Mapping::anonymous(std::size_t{kFrames} * kFrameBytes, "packet memory")} {
    const xsk_umem_config memory_config{.fill_size = kFillEntries,
                                        .comp_size = kFrames,
                                        .frame_size = kFrameBytes,
                                        .frame_headroom = 0,
                                        .flags = 0};
    xsk_umem* umem = nullptr;
    require_done(::xsk_umem__create(&umem, memory_.data(), memory_.size(), &fill_, &completion_,
                                    &memory_config),
                 "register packet memory");
    umem_.reset(umem);
    give_all();
    xsk_socket_config config{};
    config.rx_size = config.tx_size = kRingEntries;
    config.libxdp_flags = XSK_LIBXDP_FLAGS__INHIBIT_PROG_LOAD;
    config.bind_flags = XDP_COPY | XDP_USE_NEED_WAKEUP;
    socket_.reset(bind(interface, number, config));
    require_done(::xsk_socket__update_xskmap(socket_.get(), sockets), "steer to the socket");
  }

  void drop() noexcept {
    take([](std::uint32_t, std::uint32_t) {});
  }

  void read() noexcept {
    take([this](std::uint32_t from, std::uint32_t count) {
      // Each is asked for once: into the first-level cache alone.
      each_line(from, count, [](const std::byte* line) { __builtin_prefetch(line, 0, 0); });
      std::byte all{};
      each_line(from, count, [&](const std::byte* line) { all |= *line; });
      asm volatile("" ::"r"(all));
    });
  }

  void forward() noexcept {
    send_pending();
    std::uint32_t from = 0;
    const std::uint32_t count = xsk_ring_cons__peek(&rx_, kBurst, &from);
    if (count == 0) return;
    std::uint32_t to = 0;
    if (xsk_ring_prod__reserve(&tx_, count, &to) == 0) {  // later
      xsk_ring_cons__cancel(&rx_, count);
      return;
    }
    for (std::uint32_t i = 0; i < count; ++i) {
      const xdp_desc& descriptor = *xsk_ring_cons__rx_desc(&rx_, from + i);
      swap_addresses(memory_.data() + descriptor.addr);
      *xsk_ring_prod__tx_desc(&tx_, to + i) = descriptor;
    }
    xsk_ring_prod__submit(&tx_, count);
    xsk_ring_cons__release(&rx_, count);
    at_kernel_ += count;
  }

 private:
  /// Gives the frames of a burst back, once look(index of the first, number of them) is done.
  template <class Look>
  void take(Look look) noexcept {
    std::uint32_t from = 0;
    const std::uint32_t count = xsk_ring_cons__peek(&rx_, kBurst, &from);
    if (count == 0) return;
    look(from, count);
    std::uint32_t to = 0;
    xsk_ring_prod__reserve(&fill_, count, &to);
    for (std::uint32_t i = 0; i < count; ++i) {
      *xsk_ring_prod__fill_addr(&fill_, to + i) = xsk_ring_cons__rx_desc(&rx_, from + i)->addr;
    }
    xsk_ring_prod__submit(&fill_, count);
    xsk_ring_cons__release(&rx_, count);
  }

  template <class See>
  void each_line(std::uint32_t from, std::uint32_t count, See see) noexcept {
    constexpr std::uint32_t kLineBytes = 64;
    for (std::uint32_t i = 0; i < count; ++i) {
      const xdp_desc& descriptor = *xsk_ring_cons__rx_desc(&rx_, from + i);
      const std::byte* frame = memory_.data() + descriptor.addr;
      for (std::uint32_t at = 0; at < descriptor.len; at += kLineBytes) see(frame + at);
    }
  }

  /// A queue that another program has just left is free a little later: 30 ms at most, as seen.
  xsk_socket* bind(const std::string& interface, std::uint32_t number,
                   const xsk_socket_config& config) {
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds{1};
    for (;;) {
      xsk_socket* socket = nullptr;
      const int error = ::xsk_socket__create(&socket, interface.c_str(), number, umem_.get(), &rx_,
                                             &tx_, &config);
      if (error == 0) return socket;
      if (error != -EBUSY || std::chrono::steady_clock::now() >= deadline) {
        require_done(error, "bind an AF_XDP socket");
      }
      std::this_thread::sleep_for(std::chrono::milliseconds{2});
    }
  }

  void give_all() noexcept {
    std::uint32_t at = 0;
    xsk_ring_prod__reserve(&fill_, kFrames, &at);
    for (std::uint32_t i = 0; i < kFrames; ++i) {
      *xsk_ring_prod__fill_addr(&fill_, at + i) = std::uint64_t{i} * kFrameBytes;
    }
    xsk_ring_prod__submit(&fill_, kFrames);
  }

  /// Has the kernel send, in copy mode inside the call, and gives what was sent back to receive.
  void send_pending() noexcept {
    if (at_kernel_ == 0) return;
    ::sendto(::xsk_socket__fd(socket_.get()), nullptr, 0, MSG_DONTWAIT, nullptr, 0);
    std::uint32_t from = 0;
    const std::uint32_t count = xsk_ring_cons__peek(&completion_, kBurst, &from);
    if (count == 0) return;
    std::uint32_t to = 0;
    xsk_ring_prod__reserve(&fill_, count, &to);
    for (std::uint32_t i = 0; i < count; ++i) {
      *xsk_ring_prod__fill_addr(&fill_, to + i) = *xsk_ring_cons__comp_addr(&completion_, from + i);
    }
    xsk_ring_prod__submit(&fill_, count);
    xsk_ring_cons__release(&completion_, count);
    at_kernel_ -= count;
  }

  static void swap_addresses(std::byte* frame) noexcept {
    std::swap_ranges(frame, frame + 6, frame + 6);
  }

  Mapping memory_;
  xsk_ring_prod fill_{}, tx_{};
  xsk_ring_cons completion_{}, rx_{};
  std::unique_ptr<xsk_umem, Delete> umem_;
  std::unique_ptr<xsk_socket, Delete> socket_;
  std::uint32_t at_kernel_ = 0;
};

/// An argument, the XDP program that goes with it, and what a thread does all the time; nothing:
/// the kernel does all.
struct Task {
  std::string_view name;
  const char* program;
  void (Queue::*turn)() noexcept;
};
constexpr std::array kTasks{
    Task{"drop", "redirect_all", &Queue::drop}, Task{"read", "redirect_all", &Queue::read},
    Task{"forward", "redirect_all", &Queue::forward}, Task{"kernel-drop", "drop_all", nullptr},
    Task{"kernel-tx", "send_back", nullptr}};

void run(const std::string& interface, const Task& task, const std::vector<CpuId>& cpus) {
  const rlimit unlimited{RLIM_INFINITY, RLIM_INFINITY};
  ::setrlimit(RLIMIT_MEMLOCK, &unlimited);
  const StopSignals signals;
  const FramePrograms programs{interface, task.program};
  std::vector<std::unique_ptr<Queue>> queues;
  for (std::uint32_t i = 0; i < cpus.size(); ++i) {
    queues.push_back(std::make_unique<Queue>(interface, i, programs.sockets()));
  }
  std::vector<std::jthread> threads;
  for (std::size_t i = 0; i < cpus.size(); ++i) {
    threads.emplace_back(
        [cpu = cpus[i], queue = queues[i].get(), turn = task.turn](const std::stop_token& stop) {
          pin_this_thread(cpu);
          while (!stop.stop_requested()) (queue->*turn)();
        });
  }
  signals.wait_ready();
}

}  // namespace
}  // namespace valinor::bench

int main(int argc, char** argv) {
  using valinor::bench::kTasks;
  const auto* task = std::find_if(kTasks.begin(), kTasks.end(), [&](const auto& one) {
    return argc > 2 && argv[2] == one.name && (argc > 3) == (one.turn != nullptr);
  });
  if (task == kTasks.end()) {
    std::fprintf(stderr,
                 "usage: floor INTERFACE drop|read|forward CPU...\n"
                 "       floor INTERFACE kernel-drop|kernel-tx\n");
    return 2;
  }
  return valinor::bench::run_program("floor", [&] {
    const auto cpus = valinor::bench::to_cpus({argv + 3, static_cast<std::size_t>(argc - 3)});
    valinor::bench::run(argv[1], *task, cpus);
  });
}
