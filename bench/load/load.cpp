/// Sends as many frames as a CPU makes, by the kernel itself (BPF_PROG_RUN with live frames), and
/// drops what comes back. Several times what a socket sends on a veth pair.
///
///   load INTERFACE 3x9|18x72|valinor-n CPU...
///
/// One thread for each CPU. On a veth pair a CPU's frames arrive at the queue of its number, modulo
/// the queues. Prints "ready" once it sends; ends with SIGINT or SIGTERM. Needs root. Linux 5.18.
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <linux/bpf.h>

#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <span>
#include <string>
#include <thread>
#include <vector>

#include "base/bpf.hpp"
#include "base/failure.hpp"
#include "base/interface_name.hpp"
#include "base/thread.hpp"
#include "live_frames.skel.h"
#include "load/named_frames.hpp"
#include "process.hpp"

namespace valinor::bench {
namespace {

/// Frames of one system call: some 10 ms, after which the stop is looked for.
constexpr int kFramesPerCall = 1 << 16;
/// What a NAPI poll takes.
constexpr std::uint32_t kBatch = 64;

struct DestroySkeleton {
  void operator()(live_frames_bpf* skeleton) const noexcept { live_frames_bpf__destroy(skeleton); }
};
using Skeleton = std::unique_ptr<live_frames_bpf, DestroySkeleton>;

Skeleton load_programs(InterfaceIndex interface) {
  bpf::log_libbpf_as_debug();
  Skeleton skeleton{live_frames_bpf__open()};
  if (!skeleton) throw_errno("open the BPF programs");
  skeleton->rodata->target = interface.value();
  errno = -live_frames_bpf__load(skeleton.get());
  if (errno != 0) throw_errno("load the BPF programs");
  const auto index = static_cast<int>(interface.value());
  skeleton->links.take_in = ::bpf_program__attach_xdp(skeleton->progs.take_in, index);
  if (skeleton->links.take_in == nullptr) throw_errno("attach the program that drops");
  return skeleton;
}

void send(const std::stop_token& stop, int program, std::span<const std::byte> frame) {
  while (!stop.stop_requested()) {
    bpf_test_run_opts options{};
    options.sz = sizeof options;
    options.data_in = frame.data();
    options.data_size_in = static_cast<std::uint32_t>(frame.size());
    options.repeat = kFramesPerCall;
    options.flags = BPF_F_TEST_XDP_LIVE_FRAMES;
    options.batch_size = kBatch;
    const int error = -::bpf_prog_test_run_opts(program, &options);
    if (error != 0 && error != EINTR && error != EAGAIN) {
      std::fprintf(stderr, "load: run the program: %s\n", describe_errno(error).c_str());
      std::exit(1);
    }
  }
}

void run(const std::string& interface, std::span<const std::byte> frame,
         const std::vector<CpuId>& cpus) {
  const StopSignals signals;
  const Skeleton skeleton = load_programs(find_interface_index(interface));
  const int program = ::bpf_program__fd(skeleton->progs.send_frame);
  std::vector<std::jthread> threads;
  for (const CpuId cpu : cpus) {
    threads.emplace_back([=](const std::stop_token& stop) {
      pin_this_thread(cpu);
      send(stop, program, frame);
    });
  }
  signals.wait_ready();
}

}  // namespace
}  // namespace valinor::bench

int main(int argc, char** argv) {
  const auto frames = valinor::bench::make_frames(argc > 3 ? argv[2] : "");
  if (!frames) {
    std::fprintf(stderr, "usage: load INTERFACE 3x9|18x72|valinor-n CPU...\n");
    return 2;
  }
  return valinor::bench::run_program("load", [&] {
    const auto cpus = valinor::bench::to_cpus({argv + 3, static_cast<std::size_t>(argc - 3)});
    valinor::bench::run(argv[1], frames->at(0), cpus);
  });
}
