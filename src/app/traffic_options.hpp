/// Options of the command that sends packets, gen, and of all that say what packets look like.
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

/// What CLI11 writes into.
struct GivenTraffic {
  GenCommand gen;
  traffic::FrameConfig frames;
  traffic::PatternConfig departures;
  std::string pattern = "constant";
  std::uint64_t packets_per_second = 0;
  std::string format = "p4netintel";
  unsigned collect_size = 3;
  std::string seconds;  // of gen
  std::string queues = "all";
  std::string destination;
};

/// What packets look like.
void add_frames(CLI::App& app, GivenTraffic& given);

/// By which queues they leave, and where they go.
void add_sending(CLI::App& app, GivenTraffic& given);

void add_gen(CLI::App& app, GivenTraffic& given);

/// Each throws Wrong.
[[nodiscard]] traffic::FrameConfig finish_frames(const GivenTraffic& given);
[[nodiscard]] GenCommand finish_gen(const GivenTraffic& given);

}  // namespace valinor::app
