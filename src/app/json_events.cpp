#include "app/json_events.hpp"

#include <fmt/format.h>

#include <cstdio>
#include <nlohmann/json.hpp>
#include <optional>

namespace valinor::app {
namespace {

using json = nlohmann::ordered_json;
using packet_io::afxdp::OpenInterface;

/// Of the objects' form; a member that comes on top does not change it.
constexpr int kSchema = 1;

void tell(const json& event) {
  // Names and a kernel's words may hold any bytes.
  fmt::print("{}\n", event.dump(-1, ' ', false, json::error_handler_t::replace));
  std::fflush(stdout);
}

/// Null: the worker may run anywhere.
json to_json(std::optional<CpuId> cpu) { return cpu ? json(cpu->value()) : json(nullptr); }

void tell_queues(const OpenInterface& interface, packet_io::afxdp::Mode asked,
                 const Wiring& wiring) {
  for (const auto& port : interface.ports()) {
    tell({{"event", "queue"},
          {"interface", interface.interface().name},
          {"queue", port->queue().value()},
          {"driver", interface.interface().driver},
          {"cpu", to_json(wiring.cpu_of(*port))},
          {"asked", to_name(asked)},
          {"obtained", to_name(interface.mode_of(*port))},
          {"why", interface.refusal_of(*port)},
          {"filter_on_nic", interface.has_filter_on_nic()},
          {"busy_polling", port->is_busy_polling() || port->awaits_busy_polling()},
          {"several_frames", port->takes_several_buffers()}});
  }
}

/// {"tx_full": 3}: the reasons that occurred.
template <class Reason, std::size_t kCount>
json reasons(const std::array<std::uint64_t, kCount>& counts) {
  json by_name = json::object();
  for (std::size_t i = 0; i < kCount; ++i) {
    if (counts[i] != 0) by_name[std::string{to_name(static_cast<Reason>(i))}] = counts[i];
  }
  return by_name;
}

json to_json(const RecordBooks& books) {
  json lost = reasons<exporter::LossReason>(books.lost);
  if (books.ring_full != 0) lost["ring_full"] = books.ring_full;
  return {{"stores", books.stores},       {"produced", books.produced},
          {"recovered", books.recovered}, {"stored", books.stored},
          {"collapsed", books.collapsed}, {"pending", books.pending},
          {"on_disk", books.on_disk},     {"lost", lost},
          {"balanced", books.balanced()}};
}

json to_json(const FrameBooks& books) {
  return {{"received", books.received},
          {"transmitted", books.transmitted},
          {"consumed", books.consumed},
          {"passed", books.passed},
          {"dropped", reasons<DropReason>(books.dropped)},
          {"balanced", books.balanced()}};
}

json to_json(const TapBooks& books) {
  return {{"packets", books.packets},
          {"records", books.records},
          {"overflow", books.overflow},
          {"balanced", books.balanced()}};
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
    tell_queues(*wiring.interfaces[i], wiring.asked[i], wiring);
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
  json event{{"event", "books"},
             {"seconds", since_start.count()},
             {"frames", to_json(frames)},
             {"records", json::array()}};
  for (const RecordBooks& one : records) event["records"].push_back(to_json(one));
  if (tap) event["tap"] = to_json(*tap);
  event["exit_status"] = static_cast<int>(status);
  tell(event);
  return status;
}

}  // namespace valinor::app
