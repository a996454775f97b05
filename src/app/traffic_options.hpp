/// Options of the commands that send packets: gen and bench.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/units.hpp"
#include "traffic/departures.hpp"
#include "traffic/frame_template.hpp"
#include "wire/headers.hpp"

namespace CLI {
class App;
}

namespace valinor::app {

/// Addresses of generated frames: locally administered, so that no vendor's NIC has them.
inline constexpr wire::MacAddress kGenSource{std::byte{2}, {}, {}, {}, {}, std::byte{1}};
inline constexpr wire::MacAddress kGenDestination{std::byte{2}, {}, {}, {}, {}, std::byte{2}};

struct GenCommand {
  std::string target;  // interface, or capture file if it ends in .pcap
  traffic::FrameConfig frames;
  std::optional<traffic::PatternConfig> pattern;  // nothing: as fast as it goes
  bool launch_time = false;                       // the NIC itself keeps the rate, by its clock
  bool by_kernel = false;                         // no AF_XDP: a BPF program makes the frames
  std::uint64_t count = 0;                        // packets; 0: no bound
  std::chrono::nanoseconds duration{0};           // 0: no bound
  std::vector<QueueId> queues;                    // empty: all that the interface has
};

struct BenchCommand {
  std::string send;                   // interface
  std::string receive;                // interface
  traffic::FrameConfig frames;        // stamped
  std::vector<QueueId> queues;        // that send; empty: all that the interface has
  std::optional<std::uint64_t> rate;  // packets a second; nothing: the highest is looked for
  std::chrono::nanoseconds trial{0};  // of one measurement
  std::uint32_t repeat = 3;           // searches
  bool json = false;                  // stdout is JSON
  std::string html;                   // file; empty: none
  std::string baseline;               // file with an earlier run's JSON; empty: none
  double threshold = 0.1;             // how much worse than that a figure may be
};

/// What CLI11 writes into, for both commands: one of them is given.
struct GivenTraffic {
  GenCommand gen;
  BenchCommand bench;
  traffic::FrameConfig frames;
  traffic::PatternConfig departures;
  std::string pattern = "constant";
  std::uint64_t packets_per_second = 0;
  std::string format = "p4netintel";
  unsigned collect_size = 3;
  std::string seconds;  // of gen
  std::string trial = "2s";
  double percent = 10;  // of bench's threshold
  std::string queues = "all";
  std::string destination;
};

void add_gen(CLI::App& app, GivenTraffic& given);
void add_bench(CLI::App& app, GivenTraffic& given);

/// Each throws Wrong.
[[nodiscard]] GenCommand finish_gen(const GivenTraffic& given);
[[nodiscard]] BenchCommand finish_bench(const GivenTraffic& given);

}  // namespace valinor::app
