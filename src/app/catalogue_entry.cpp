#include "app/catalogue_entry.hpp"

#include <fmt/chrono.h>
#include <sys/utsname.h>

#include <cstddef>
#include <cstdint>
#include <ctime>
#include <nlohmann/json.hpp>

namespace valinor::app {
namespace {

/// Of an entry's form; a member that comes on top does not change it.
constexpr int kEntrySchema = 1;

std::string utc_now() {
  return fmt::format("{:%Y-%m-%dT%H:%M:%SZ}", fmt::gmtime(std::time(nullptr)));
}

std::int64_t to_ns(HostTime time) { return time.since_epoch.count(); }

std::string describe_kernel(const utsname& host) {
  return fmt::format("{} {} {}", static_cast<const char*>(host.sysname),
                     static_cast<const char*>(host.release),
                     static_cast<const char*>(host.machine));
}

/// "memory_full" and so on, of all stores, and "ring_full", of all rings: what an analysis must not
/// take for an idle link.
Json gaps_form(const std::vector<exporter::StoreGaps>& stores,
               const std::vector<RingLosses>& rings) {
  Json list = Json::array();
  for (const RingLosses& ring : rings) {
    for (const telemetry::RecordLosses::Span& span : ring.losses.kept()) {
      list.push_back({{"store", "all"},
                      {"ring", ring.producer},
                      {"reason", "ring_full"},
                      {"from_ns", to_ns(span.from)},
                      {"to_ns", to_ns(span.to)},
                      {"records", span.records}});
    }
  }
  for (const exporter::StoreGaps& one : stores) {
    for (const exporter::Gap& gap : one.gaps.kept()) {
      list.push_back({{"store", one.store},
                      {"reason", to_name(gap.reason)},
                      {"from_ns", to_ns(gap.from)},
                      {"to_ns", to_ns(gap.to)},
                      {"records", gap.records}});
    }
  }
  return list;
}

}  // namespace

Json begin_entry(const Config& config, const std::string& configuration, const Wiring& wiring,
                 const clock::ClockQuality& clock, HostTime now) {
  utsname host{};
  ::uname(&host);
  Json queues = Json::array();
  for (std::size_t i = 0; i < wiring.interfaces.size(); ++i) {
    for (const auto& port : wiring.interfaces[i]->ports()) {
      queues.push_back(queue_form(wiring, i, *port));
    }
  }
  Json times = Json::object();
  for (std::size_t i = 0; i < wiring.times.size(); ++i) {
    times[wiring.interfaces[i]->interface().name] = wiring.times[i]->describe();
  }
  const exporter::RedisConfig& redis = config.exporter.redis;
  return {{"schema", kEntrySchema},
          {"state", "running"},
          {"version", VALINOR_VERSION},
          {"key", config.exporter.key},
          {"name", config.run.name},
          {"host", static_cast<const char*>(host.nodename)},
          {"kernel", describe_kernel(host)},
          {"start", utc_now()},
          {"start_ns", to_ns(now)},
          {"clock", clock::to_text(clock)},
          {"clock_bound_ns", clock.bound_now.count()},
          {"role", pipeline::to_name(config.worker.role)},
          {"queues", queues},
          {"times", times},
          {"tap", config.tap.interfaces},
          {"redis", redis.enabled ? redis.describe() : std::string{}},
          {"config", configuration}};
}

void end_entry(Json& entry, const RunEnd& end, const Counted& counted,
               const std::vector<exporter::StoreGaps>& gaps, const clock::ClockQuality& clock) {
  entry["state"] = "ended";
  entry["end"] = utc_now();
  entry["end_ns"] = to_ns(end.at);
  entry["seconds"] = end.elapsed.count();
  entry["why"] = end.why;
  entry["exit_status"] = static_cast<int>(end.status);
  entry["frames"] = to_json(counted.frames());
  entry["records"] = Json::array();
  for (const RecordBooks& books : counted.records()) entry["records"].push_back(to_json(books));
  if (const auto tapped = counted.tapped()) entry["tapped"] = to_json(*tapped);
  const std::vector<RingLosses> rings = counted.ring_losses();
  entry["gaps"] = gaps_form(gaps, rings);
  std::uint64_t left_out = 0;
  for (const RingLosses& one : rings) left_out += one.losses.left_out();
  for (const exporter::StoreGaps& one : gaps) left_out += one.gaps.left_out();
  entry["gaps_left_out"] = left_out;
  entry["lost_links"] = end.lost_links;
  entry["clock_at_end"] = clock::to_text(clock);
  entry["clock_worst_bound_ns"] = clock.worst_bound.count();
  entry["clock_steps"] = clock.steps;
}

}  // namespace valinor::app
