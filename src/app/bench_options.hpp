/// Options of bench: a mode, and what it measures.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "app/traffic_options.hpp"
#include "base/units.hpp"
#include "traffic/frame_template.hpp"

namespace valinor::app {

enum class BenchMode : std::uint8_t {
  reflect,  // a link, whoever is at its other end sends back
  forward,  // two links, whoever is between them passes on
  rx,       // what comes by an interface, from elsewhere
  decode,   // telemetry in memory
  stamp,    // clocks
  store,    // records into the configured stores: "export"
};

/// The mode's name: "reflect".
[[nodiscard]] std::string_view to_name(BenchMode mode) noexcept;

[[nodiscard]] constexpr bool is_of_link(BenchMode mode) noexcept {
  return mode == BenchMode::reflect || mode == BenchMode::forward;
}

/// Whether -c and --set mean something to it.
[[nodiscard]] constexpr bool reads_configuration(BenchMode mode) noexcept {
  return mode == BenchMode::rx || mode == BenchMode::stamp || mode == BenchMode::store;
}

struct BenchCommand {
  BenchMode mode{};
  std::string interface;                      // reflect and forward send by it; stamp: may be empty
  std::string receive;                        // reflect: `interface`; forward: the other one
  traffic::FrameConfig frames;                // of a link: stamped
  std::vector<QueueId> queues;                // that send; empty: all that the interface has
  std::optional<std::uint64_t> rate;          // packets a second; nothing: the highest is sought
  std::vector<traffic::FrameConfig> decoded;  // decode: each on its own
  std::chrono::nanoseconds wait{0};           // rx: for the first packet
  std::uint64_t records = 0;                  // export
  std::optional<std::uint32_t> key;           // export: the scratch key; nothing: one is chosen
  std::chrono::nanoseconds trial{0};          // of one measurement
  std::uint32_t repeat = 1;                   // measurements, of which the median counts
  bool json = false;                          // stdout is JSON
  std::string html;                           // file; empty: none
  std::string baseline;                       // file with an earlier run's JSON; empty: none
  double threshold = 0.1;                     // how much worse than that a figure may be
};

/// What CLI11 writes into, for all modes: one of them is given.
struct GivenBench {
  BenchCommand command;
  std::string mode;  // empty: none was given
  std::uint64_t packets_per_second = 0;
  std::string trial;         // empty: the mode's own
  std::uint32_t repeat = 0;  // the same
  std::string wait = "30s";  // of rx
  double percent = 10;       // of the threshold
  std::uint64_t records = 1'000'000;
  std::string key;
  // What was asked for; else decode tries all there are.
  bool names_format = false;
  bool names_layout = false;
  bool names_hops = false;
};

/// `traffic` has what packets look like.
void add_bench(CLI::App& app, GivenBench& given, GivenTraffic& traffic);

/// "reflect, forward, rx, decode, stamp or export": for whoever named none of them. `word` is what
/// was said instead; empty: nothing.
[[nodiscard]] std::string describe_missing_mode(const std::string& word);

/// Throws Wrong.
[[nodiscard]] BenchCommand finish_bench(const GivenBench& given, const GivenTraffic& traffic);

}  // namespace valinor::app
