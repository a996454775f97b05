#include "app/traffic_options.hpp"

#include <CLI/CLI.hpp>
#include <limits>

#include "app/option_values.hpp"

namespace valinor::app {
namespace {

constexpr const char* kGenExamples = R"(Examples:
  valinor-afxdp gen veth0 --pps 100000 --seconds 10 --flows 64
  valinor-afxdp gen veth0 --pps 100000 --seconds 10 --flows 64 --pattern incast --burst 64
  valinor-afxdp gen veth0 --kernel --seconds 10
  valinor-afxdp gen trace.pcap --format valinor-n --count 1000
)";
void add_patterns(CLI::App& app, GivenTraffic& given) {
  traffic::PatternConfig& to = given.departures;
  add_described(app, "--pattern", given.pattern,
                "how packets follow each other, at --pps on average: constant, poisson, on-off "
                "(self-similar) or incast",
                "PATTERN")
      ->check(CLI::IsMember({"constant", "poisson", "on-off", "incast"}));
  add_described(app, "--burst", to.burst, "packets of each incast; of an on-off burst on average",
                "N")
      ->check(whole_number(1, 65536));
  add_described(app, "--peak", to.peak, "rate of on-off's bursts, in times --pps; above 1 to 1000",
                "X");
  add_described(app, "--hurst", to.hurst, "Hurst parameter of on-off; above 0.5, below 1", "H");
}

/// Nothing where no rate is asked for.
std::optional<traffic::PatternConfig> finish_pattern(const GivenTraffic& given) {
  using traffic::Pattern;
  traffic::PatternConfig to = given.departures;
  to.pattern = given.pattern == "poisson"  ? Pattern::poisson
               : given.pattern == "on-off" ? Pattern::on_off
               : given.pattern == "incast" ? Pattern::incast
                                           : Pattern::constant;
  // Also not NaN.
  const bool peak_fits = to.peak > 1 && to.peak <= 1000;
  if (!peak_fits) throw Wrong{"--peak wants a number above 1, up to 1000"};
  const bool hurst_fits = to.hurst > 0.5 && to.hurst < 1;
  if (!hurst_fits) throw Wrong{"--hurst wants a number above 0.5 and below 1"};
  to.seed = given.frames.seed;
  to.packets_per_second = given.packets_per_second;
  if (to.packets_per_second != 0) return to;
  if (to.pattern != Pattern::constant) throw Wrong{"--pattern needs a rate on average: --pps"};
  return std::nullopt;
}

/// What `--kernel` goes with.
void require_kernel_can(const GenCommand& gen) {
  using traffic::Pattern;
  if (gen.target.ends_with(".pcap")) throw Wrong{"--kernel sends by an interface, not to a file"};
  if (gen.launch_time) throw Wrong{"--kernel and --launch-time: one of them keeps the rate"};
  if (!gen.queues.empty()) {
    throw Wrong{
        "--kernel sends by the queue of the CPU that it runs on: without --queues, and with "
        "taskset -c CPU to choose"};
  }
  if (gen.pattern && gen.pattern->pattern != Pattern::constant &&
      gen.pattern->pattern != Pattern::incast) {
    throw Wrong{"--kernel knows the patterns constant and incast; the others without --kernel"};
  }
}

}  // namespace

void add_frames(CLI::App& app, GivenTraffic& given) {
  traffic::FrameConfig& frames = given.frames;
  add_described(app, "--format", given.format, "p4netintel or valinor-n", "FORMAT")
      ->check(CLI::IsMember({"p4netintel", "valinor-n"}));
  add_described(app, "--collect-size", given.collect_size, "0..3: how much a P4NetIntel hop writes",
                "N")
      ->check(whole_number(0, 3));
  add_described(app, "--hops", frames.hops, "hops of a P4NetIntel packet, 0..64", "N")
      ->check(whole_number(0, 64));
  add_described(app, "--flows", frames.flows, "flows that packets are spread over, 1..65536", "N")
      ->check(whole_number(1, 65536));
  add_described(app, "--payload", frames.payload_bytes, "bytes behind the telemetry", "N")
      ->check(whole_number(0, 1400));
  add_described(app, "--seed", frames.seed,
                "of ports, hop values and pattern; the same seed, the same packets", "N")
      ->check(whole_number(0, std::numeric_limits<std::uint32_t>::max()));
  app.add_flag("--int-host", frames.int_host, "with the end host's times (P4NetIntel)");
}

void add_sending(CLI::App& app, GivenTraffic& given) {
  add_described(app, "--queues", given.queues, "all, 0-3 or 0,2: transmit queues to use", "LIST");
  app.add_option("--dst-mac", given.destination, "destination Ethernet address [02:00:00:00:00:02]")
      ->type_name("MAC");
}

traffic::FrameConfig finish_frames(const GivenTraffic& given) {
  traffic::FrameConfig frames = given.frames;
  const bool is_p4 = given.format == "p4netintel";
  frames.format = is_p4 ? telemetry::Format::p4netintel : telemetry::Format::valinor_n;
  frames.layout = static_cast<telemetry::p4netintel::Layout>(given.collect_size);
  frames.source = kGenSource;
  frames.destination = given.destination.empty() ? kGenDestination : read_mac(given.destination);
  return frames;
}

void add_gen(CLI::App& app, GivenTraffic& given) {
  CLI::App* gen = app.add_subcommand("gen", "send telemetry packets to a NIC or a capture file");
  GenCommand& to = given.gen;
  gen->add_option("TARGET", to.target, "interface, or a file that ends in .pcap")
      ->required()
      ->type_name("");
  add_described(*gen, "--pps", given.packets_per_second,
                "packets a second; 0 is as fast as it goes", "N")
      ->check(whole_number(0, kMaxPacketRate));
  add_patterns(*gen, given);
  gen->add_flag("--launch-time", to.launch_time,
                "the NIC keeps the rate by its own clock (igc, stmmac; Linux 6.14)");
  gen->add_flag(
      "--kernel", to.by_kernel,
      "a BPF program makes the frames, one CPU and no socket (Linux 5.18): more load on veth");
  add_described(*gen, "--count", to.count, "stop after N packets; 0 is never", "N")
      ->check(whole_number(0, std::numeric_limits<std::uint64_t>::max()));
  gen->add_option("--seconds", given.seconds, "stop after this time: 10, 10s, 500ms")
      ->type_name("TIME");
  add_frames(*gen, given);
  add_sending(*gen, given);
  gen->footer(kGenExamples);
}

GenCommand finish_gen(const GivenTraffic& given) {
  GenCommand gen = given.gen;
  gen.frames = finish_frames(given);
  gen.queues = read_queues(given.queues);
  if (!given.seconds.empty()) gen.duration = read_seconds("--seconds", given.seconds);
  if (gen.target.ends_with(".pcap") && gen.count == 0 && gen.duration.count() == 0) {
    throw Wrong{"gen to a file needs --count or --seconds, or the file grows without end"};
  }
  gen.pattern = finish_pattern(given);
  if (gen.launch_time && (!gen.pattern || gen.target.ends_with(".pcap"))) {
    throw Wrong{"--launch-time needs an interface, and a rate (--pps) for the NIC to keep"};
  }
  if (gen.by_kernel) require_kernel_can(gen);
  return gen;
}

}  // namespace valinor::app
