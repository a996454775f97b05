#include "app/bench_store.hpp"

#include <fmt/format.h>
#include <time.h>

#include <algorithm>
#include <chrono>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "app/bench_progress.hpp"
#include "app/bench_scratch.hpp"
#include "app/patience.hpp"
#include "base/failure.hpp"
#include "base/numbers.hpp"
#include "exporter/exporter.hpp"
#include "exporter/make_store.hpp"
#include "telemetry/record_ring.hpp"
#include "traffic/frame_template.hpp"

namespace valinor::app {
namespace {

using measure::Better;
using std::chrono::steady_clock;
using telemetry::PacketRecord;

/// What a record tells is in the past, and no two tell the same: so far are they apart.
constexpr Nanos kRecordGap{100};

/// Between two looks at what is stored, and for a ring that is full.
constexpr std::chrono::milliseconds kStoreTick{1};

/// A store that has taken nothing for so long is given up.
constexpr std::chrono::seconds kTakePatience{30};

/// The first records, which are not measured: connections, folders, memory.
constexpr std::uint64_t kWarmUpRecords = 20'000;

constexpr std::uint32_t kFlows = 64;
constexpr std::size_t kStoreRingBytes = 16 * kMiB;
constexpr std::uint64_t kPublishEach = 64;

std::chrono::nanoseconds cpu_time(clockid_t clock) {
  timespec now{};
  ::clock_gettime(clock, &now);
  return std::chrono::seconds{now.tv_sec} + std::chrono::nanoseconds{now.tv_nsec};
}

/// Of all threads but this one, which makes the records.
std::chrono::nanoseconds cpu_of_others() {
  return cpu_time(CLOCK_PROCESS_CPUTIME_ID) - cpu_time(CLOCK_THREAD_CPUTIME_ID);
}

struct StoreResult {
  std::chrono::nanoseconds time{};
  std::chrono::nanoseconds cpu{};
};

class StoreBench {
 public:
  StoreBench(const BenchCommand& command, Signals& signals) : command_{command}, signals_{signals} {
    traffic::FrameConfig frames;
    frames.format =
        command.frames.hops == 0 ? telemetry::Format::valinor_n : telemetry::Format::p4netintel;
    frames.hops = command.frames.hops;
    for (std::uint16_t i = 0; i < frames.hops; ++i) {
      hops_.push_back(traffic::meant_hop(frames, 0, i));
    }
    format_ = frames.format;
  }

  [[nodiscard]] bool is_stopped() const noexcept { return stopped_; }

  void measure(ScratchStore& store, measure::FigureReport& report) {
    std::vector<double> rates;
    std::vector<double> cpu;
    std::vector<double> bytes;
    std::uint64_t stored = 0;
    (void)fill(store, std::min(kWarmUpRecords, command_.records));
    store.clear();
    for (std::uint32_t n = 1; n <= command_.repeat && !stopped_; ++n) {
      progress_.say(fmt::format("{}: {} of {}", store.name(), n, command_.repeat));
      const auto result = fill(store, command_.records);
      if (!result) break;
      const auto records = static_cast<double>(command_.records);
      if (const auto count = store.count()) require_all(store, *count);
      stored += command_.records;
      rates.push_back(records / std::chrono::duration<double>(result->time).count());
      cpu.push_back(static_cast<double>(result->cpu.count()) / records);
      if (const auto taken = store.bytes()) bytes.push_back(static_cast<double>(*taken) / records);
      store.clear();
    }
    if (!rates.empty()) report.cases.push_back(to_case(store, rates, cpu, bytes, stored));
  }

 private:
  static measure::Case to_case(const ScratchStore& store, const std::vector<double>& rates,
                               const std::vector<double>& cpu, const std::vector<double>& bytes,
                               std::uint64_t stored) {
    measure::Case one{.name = store.name(),
                      .figures = {{.name = "records_per_second",
                                   .label = "records/s",
                                   .value = measure::spread_of(rates),
                                   .better = Better::more},
                                  {.name = "cpu_ns_per_record",
                                   .label = "our CPU, ns/record",
                                   .value = measure::spread_of(cpu),
                                   .better = Better::less}},
                      .counts = {{"stored", stored}}};
    if (!bytes.empty()) {
      one.figures.push_back({.name = "bytes_per_record",
                             .label = "bytes/record there",
                             .value = measure::spread_of(bytes),
                             .better = Better::less,
                             .decimals = 1});
    }
    return one;
  }

  /// Until all records are stored; nothing where a signal came.
  std::optional<StoreResult> fill(const ScratchStore& store, std::uint64_t records) {
    const auto cpu = cpu_of_others();
    const auto start = steady_clock::now();
    telemetry::RecordRing ring{kStoreRingBytes};
    exporter::Exporter exporter{store.config(), exporter::make_sinks(store.config()).parts,
                                exporter::Exporter::Rings{std::ref(ring)}};
    Patience patience{kTakePatience, steady_clock::now()};
    const auto wait = [&] {
      stopped_ = stopped_ || !signals_.wait(kStoreTick).empty();
      const std::uint64_t taken = answered(exporter);
      if (exporter.failed()) {
        exporter.stop(steady_clock::now());
        exporter.throw_if_failed();
      }
      if (patience.is_over(taken, true, steady_clock::now())) {
        refuse(store, fmt::format("it has taken {} of {} records, and no more for {} s",
                                  with_commas(taken), with_commas(records), kTakePatience.count()));
      }
    };
    for (std::uint64_t n = 0; n < records && !stopped_; ++n) {
      while (!put(ring, n) && !stopped_) {
        ring.publish();
        wait();
      }
      if (n % kPublishEach == 0) ring.publish();
    }
    ring.publish();
    while (!stopped_ && answered(exporter) != records) wait();
    const auto time = steady_clock::now() - start;
    // Its thread's CPU counts once it has ended. After a signal what is under way must arrive: a
    // server that takes it in later would make a key again that was removed.
    exporter.stop(steady_clock::now() + kFlushPatience);
    exporter.throw_if_failed();
    if (stopped_) return std::nullopt;
    for (const auto& group : exporter.totals()) {
      if (group.stored == records) continue;
      refuse(store,
             fmt::format("of {} records it has taken {}; {} it had already", with_commas(records),
                         with_commas(group.stored), with_commas(group.collapsed)));
    }
    return StoreResult{.time = time, .cpu = cpu_of_others() - cpu};
  }

  static std::uint64_t answered(const exporter::Exporter& exporter) {
    std::uint64_t sum = 0;
    for (const auto& group : exporter.totals())
      sum += group.stored + group.collapsed + group.all_lost();
    return sum;
  }

  /// Record `n` into the ring; false: it is full.
  bool put(telemetry::RecordRing& ring, std::uint64_t n) const {
    const auto slot = ring.reserve(static_cast<std::uint16_t>(hops_.size()));
    if (slot.packet == nullptr) return false;
    PacketRecord& packet = *slot.packet;
    packet.format = format_;
    packet.layout = static_cast<std::uint8_t>(telemetry::p4netintel::Layout::full);
    packet.received = {begin_ + kRecordGap * static_cast<std::int64_t>(n)};
    packet.flow = flows_[n % kFlows];
    packet.packet_bytes = packet.frame_bytes = 1000;
    packet.hops_claimed = packet.hop_count = static_cast<std::uint16_t>(hops_.size());
    if (format_ == telemetry::Format::valinor_n) {
      packet.switch_time = {packet.received.since_epoch};
      packet.flags = telemetry::flag::kSwitchTime;
    }
    std::copy(hops_.begin(), hops_.end(), slot.hops);
    ring.commit(slot);
    return true;
  }

  static std::vector<telemetry::FlowKey> make_flows() {
    std::vector<telemetry::FlowKey> flows;
    for (std::uint32_t flow = 0; flow < kFlows; ++flow) flows.push_back(traffic::meant_flow(flow));
    return flows;
  }

  void require_all(const ScratchStore& store, std::uint64_t count) const {
    if (count == command_.records) return;
    refuse(store, fmt::format("it has acknowledged {} records, and holds {}",
                              with_commas(command_.records), with_commas(count)));
  }

  [[noreturn]] static void refuse(const ScratchStore& store, const std::string& why) {
    throw Failure{ExitStatus::records_lost,
                  {"BENCH-STORE-02", "not all records are in the store: " + store.describe(), why,
                   "valinor-afxdp -c FILE doctor    tells more about servers"}};
  }

  const BenchCommand& command_;
  Signals& signals_;
  telemetry::Format format_;
  std::vector<telemetry::HopRecord> hops_;  // of each record
  std::vector<telemetry::FlowKey> flows_ = make_flows();
  Nanos begin_ = std::chrono::system_clock::now().time_since_epoch() - std::chrono::hours{24};
  bool stopped_ = false;
  BenchProgress progress_;
};

}  // namespace

measure::FigureReport bench_store(const BenchCommand& command,
                                  const exporter::ExporterConfig& config, Signals& signals) {
  measure::FigureReport report{.mode = "export", .environment = describe_host(), .cases = {}};
  auto stores = make_scratch_stores(config, command.key);
  for (const auto& store : stores) {
    report.environment.emplace_back(store->name(), store->describe());
  }
  report.environment.emplace_back("trials",
                                  fmt::format("{} of {} records with {} hops", command.repeat,
                                              with_commas(command.records), command.frames.hops));
  StoreBench bench{command, signals};
  for (const auto& store : stores) {
    if (!bench.is_stopped()) bench.measure(*store, report);
  }
  return report;
}

}  // namespace valinor::app
