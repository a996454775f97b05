#include "app/bench_decode.hpp"

#include <fmt/format.h>

#include <string>
#include <vector>

#include "app/bench_progress.hpp"
#include "base/failure.hpp"
#include "measure/decode_trial.hpp"
#include "packet_io/frame.hpp"

namespace valinor::app {
namespace {

using measure::Better;
using traffic::FrameConfig;

std::string name_of_case(const FrameConfig& frames, std::size_t frame_bytes) {
  if (frames.format == telemetry::Format::valinor_n) {
    return fmt::format("valinor-n, {} bytes", frame_bytes);
  }
  return fmt::format("p4netintel, {} x {} bytes, {} in all", frames.hops,
                     telemetry::p4netintel::trace_bytes(frames.layout), frame_bytes);
}

[[noreturn]] void refuse_decoder(const std::string& name, const std::string& mistake) {
  throw Failure{ExitStatus::internal_error,
                {"BENCH-DECODE-01", name + ": a record is not what the packet says",
                 "wrong is, in " + mistake,
                 "please report it with this message and the output of version --build-info"}};
}

}  // namespace

measure::FigureReport bench_decode(const BenchCommand& command, Signals& signals) {
  measure::FigureReport report{.mode = "decode", .environment = describe_host(), .cases = {}};
  report.environment.emplace_back("flows", std::to_string(command.frames.flows));
  report.environment.emplace_back(
      "trials",
      fmt::format("{} of {:g} s each, in bursts of {}", command.repeat,
                  std::chrono::duration<double>(command.trial).count(), packet_io::kMaxBurst));
  const BenchProgress progress;
  for (const FrameConfig& frames : command.decoded) {
    measure::DecodeTrial trial{frames};
    const std::string name = name_of_case(frames, trial.frame_bytes());
    progress.say(name);
    if (const std::string mistake = trial.find_mistake(); !mistake.empty()) {
      refuse_decoder(name, mistake);
    }
    (void)trial.run(command.trial / 4);  // to warm up
    std::vector<double> nanos;
    std::vector<double> ticks;
    std::vector<double> rates;
    for (std::uint32_t n = 0; n < command.repeat; ++n) {
      if (!signals.wait(std::chrono::milliseconds{0}).empty()) return report;
      const measure::DecodeResult result = trial.run(command.trial);
      nanos.push_back(result.ns_per_packet);
      ticks.push_back(result.ticks_per_packet);
      rates.push_back(1e9 / result.ns_per_packet);
    }
    report.cases.push_back({.name = name,
                            .figures = {{.name = "ns_per_packet",
                                         .label = "ns/packet",
                                         .value = measure::spread_of(nanos),
                                         .better = Better::less,
                                         .decimals = 1},
                                        {.name = "cycles_per_packet",
                                         .label = "TSC cycles/packet",
                                         .value = measure::spread_of(ticks),
                                         .better = std::nullopt,
                                         .decimals = 1},
                                        {.name = "packets_per_second",
                                         .label = "packets/s, one core",
                                         .value = measure::spread_of(rates),
                                         .better = std::nullopt}},
                            .counts = {}});
  }
  return report;
}

}  // namespace valinor::app
