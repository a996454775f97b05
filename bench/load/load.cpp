/// Sends frames by the kernel itself (traffic::LiveFrames), and drops what comes back. Several
/// times what a socket sends on a veth pair.
///
///   load INTERFACE TRAFFIC RATE CPU...
///
/// TRAFFIC as load/named_frames.hpp has it; all frames are the same one. One thread for each CPU,
/// each with RATE packets a second, evenly spaced; 0: as many as it makes.
/// On a veth pair a CPU's frames arrive at the queue of its number, modulo the queues. Prints
/// "ready" once it sends; ends with SIGINT or SIGTERM. Needs root. Linux 5.18.
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/interface_name.hpp"
#include "frame_programs.hpp"
#include "load/named_frames.hpp"
#include "process.hpp"
#include "traffic/live_frames.hpp"

namespace valinor::bench {
namespace {

void run(const std::string& interface, const traffic::FrameConfig& config, std::uint64_t rate,
         const std::vector<CpuId>& cpus) {
  const StopSignals signals;
  const FramePrograms taking_in{interface, "drop_all"};
  const traffic::FrameTemplates templates{config};
  std::optional<traffic::PatternConfig> pattern;
  if (rate != 0) pattern = {.packets_per_second = rate};
  std::vector<std::unique_ptr<traffic::LiveFrames>> senders;
  for (const CpuId cpu : cpus) {
    senders.push_back(std::make_unique<traffic::LiveFrames>(
        templates, traffic::LiveFramesConfig{.interface = find_interface_index(interface),
                                             .pattern = pattern,
                                             .numbered = false,
                                             .cpu = cpu}));
    senders.back()->start();
  }
  signals.wait_ready();
  for (const auto& sender : senders) sender->stop();
}

}  // namespace
}  // namespace valinor::bench

int main(int argc, char** argv) {
  const auto frames = valinor::bench::to_config(argc > 4 ? argv[2] : "");
  if (!frames) {
    std::fprintf(stderr, "usage: load INTERFACE TRAFFIC RATE CPU...\n");
    return 2;
  }
  return valinor::bench::run_program("load", [&] {
    const auto cpus = valinor::bench::to_cpus({argv + 4, static_cast<std::size_t>(argc - 4)});
    valinor::bench::run(argv[1], *frames, std::strtoull(argv[3], nullptr, 10), cpus);
  });
}
