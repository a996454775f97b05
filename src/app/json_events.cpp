#include "app/json_events.hpp"

#include <fmt/format.h>

#include <cstdio>
#include <nlohmann/json.hpp>

#include "app/json_form.hpp"

namespace valinor::app {
namespace {

/// Of the objects' form; a member that comes on top does not change it.
constexpr int kSchema = 1;

void tell(const Json& event) {
  // Names and a kernel's words may hold any bytes.
  fmt::print("{}\n", event.dump(-1, ' ', false, Json::error_handler_t::replace));
  std::fflush(stdout);
}

}  // namespace

void tell_start(const Config& config, const Wiring& wiring) {
  tell({{"event", "start"},
        {"schema", kSchema},
        {"version", VALINOR_VERSION},
        {"key", config.exporter.key},
        {"name", config.run.name},
        {"role", pipeline::to_name(config.worker.role)}});
  for (std::size_t i = 0; i < wiring.interfaces.size(); ++i) {
    for (const auto& port : wiring.interfaces[i]->ports()) {
      Json event{{"event", "queue"}};
      event.update(queue_form(wiring, i, *port));
      tell(event);
    }
  }
  tell({{"event", "ready"}});
}

void tell_stats(const LiveTotals& totals, Elapsed since_start) {
  tell({{"event", "stats"},
        {"seconds", since_start.count()},
        {"received", totals.received},
        {"transmitted", totals.transmitted},
        {"records", totals.records},
        {"hops", totals.hops},
        {"stored", totals.stored},
        {"backlog", totals.backlog},
        {"dropped", totals.dropped},
        {"lost", totals.lost}});
}

void tell_stopping(const std::string& why) { tell({{"event", "stopping"}, {"why", why}}); }

ExitStatus tell_books(const FrameBooks& frames, const std::vector<RecordBooks>& records,
                      const std::optional<TapBooks>& tap, Elapsed since_start) {
  const ExitStatus status = judge_books(frames, records, tap);
  Json event{{"event", "books"},
             {"seconds", since_start.count()},
             {"frames", to_json(frames)},
             {"records", Json::array()}};
  for (const RecordBooks& one : records) event["records"].push_back(to_json(one));
  if (tap) event["tap"] = to_json(*tap);
  event["exit_status"] = static_cast<int>(status);
  tell(event);
  return status;
}

}  // namespace valinor::app
