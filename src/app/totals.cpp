#include "app/totals.hpp"

#include <fmt/format.h>

#include <array>

#include "base/numbers.hpp"

namespace valinor::app {
namespace {

using Port = packet_io::afxdp::AfxdpPort;

std::uint64_t sum(const pipeline::ReasonCounters& counters) {
  std::uint64_t total = 0;
  for (const Counter& counter : counters) total += counter.value();
  return total;
}

std::string list(const char* label, const std::string& items) {
  return items.empty() ? items : fmt::format("{:<9}{}\n", label, items);
}

void append(std::string& items, std::string_view name, std::uint64_t count) {
  if (count == 0) return;
  items += fmt::format("{}{} {}", items.empty() ? "" : ", ", name, with_commas(count));
}

std::uint64_t count(Nanos time) { return static_cast<std::uint64_t>(time.count()); }

std::string describe_rpcs(const pipeline::RpcTable& table) {
  const pipeline::RpcTableTotals totals = table.totals();
  std::string items;
  append(items, "requests", totals.remembered);
  append(items, "repeated", totals.repeated);
  append(items, "answered", totals.answered);
  append(items, "replies without a request", totals.unknown);
  append(items, "evicted_full", totals.evicted_full);
  append(items, "evicted_age", totals.evicted_age);
  append(items, "never_answered", totals.never_answered);
  append(items, "refused", totals.refused);
  append(items, "busy", totals.busy);
  return list("rpcs", items);
}

}  // namespace

LiveTotals Counted::live() const {
  LiveTotals totals;
  for (const auto& lane : wiring_.lanes) {
    const pipeline::WorkerStats& stats = lane->stats();
    totals.received += stats.received.value();
    totals.records += stats.records.value();
    totals.hops += stats.hops.value();
    totals.lost += stats.records_ring_full.value();
    totals.dropped += sum(stats.dropped);
    for (const Port* port : lane->ports()) {
      const auto kernel = port->kernel_statistics();
      totals.transmitted += port->counters().sent();
      totals.dropped += kernel.rx_ring_full + kernel.rx_dropped + port->counters().refused() +
                        port->counters().too_many_buffers.value();
    }
  }
  if (tap_ != nullptr) {
    totals.records += tap_->stats().records.value();
    totals.lost += tap_->stats().records_ring_full.value() + tap_->counts().overflow;
  }
  const exporter::ExporterTotals& stores = exporter_.front();  // others keep the same records
  totals.stored = stores.stored + stores.collapsed;
  totals.backlog = stores.pending;
  totals.lost += stores.all_lost();
  return totals;
}

FrameBooks Counted::frames() const {
  FrameBooks books;
  for (const auto& interface : wiring_.interfaces) {
    const auto decisions = interface->program().decisions();
    books.received += decisions.total();
    books.passed += decisions.passed();
    books.dropped_by(DropReason::unwanted) += decisions.frames[VALINOR_DROPPED];
  }
  for (const auto& lane : wiring_.lanes) {
    const pipeline::WorkerStats& stats = lane->stats();
    books.consumed += stats.consumed.value();
    books.passed += stats.passed.value();
    for (std::size_t i = 0; i < kDropReasons; ++i) books.dropped[i] += stats.dropped[i].value();
    for (const Port* port : lane->ports()) {
      const auto& counters = port->counters();
      books.transmitted += counters.sent();
      books.dropped_by(DropReason::tx_refused) += counters.refused();
      books.dropped_by(DropReason::rx_too_long) += counters.too_many_buffers.value();
      books.dropped_by(DropReason::tx_unfinished) += counters.unfinished.value();
      const auto kernel = port->kernel_statistics();
      books.dropped_by(DropReason::rx_ring_full) += kernel.rx_ring_full;
      books.dropped_by(DropReason::rx_no_frame) += kernel.rx_dropped;
    }
  }
  return books;
}

std::vector<RecordBooks> Counted::records() const {
  std::uint64_t produced = 0;
  std::uint64_t ring_full = 0;
  for (const auto& lane : wiring_.lanes) {
    produced += lane->stats().records.value();
    ring_full += lane->stats().records_ring_full.value();
  }
  if (tap_ != nullptr) {
    produced += tap_->stats().records.value();
    ring_full += tap_->stats().records_ring_full.value();
  }
  return make_record_books(exporter_, produced, ring_full);
}

std::optional<TapBooks> Counted::tapped() const {
  if (tap_ == nullptr) return std::nullopt;
  const tap::TapCounts counts = tap_->counts();
  return TapBooks{counts.packets, tap_->stats().records.value(), counts.overflow};
}

std::vector<RingLosses> Counted::ring_losses() const {
  std::vector<RingLosses> all;
  all.reserve(wiring_.lanes.size() + 1);
  for (const auto& lane : wiring_.lanes) all.push_back({lane->name(), lane->losses()});
  if (tap_ != nullptr) all.push_back({"tap", tap_->stats().losses});
  return all;
}

/// By which rule the XDP programs decided.
std::string Counted::steering() const {
  constexpr std::array<std::string_view, VALINOR_DECISIONS> kNames{
      "by_ethertype", "by_ip_protocol", "by_dscp",   "by_udp_port", "not_telemetry",
      "truncated",    "no_socket",      "forwarded", "dropped"};
  std::string items;
  for (std::size_t i = 0; i < kNames.size(); ++i) {
    std::uint64_t count = 0;
    for (const auto& interface : wiring_.interfaces) {
      count += interface->program().decisions().frames[i];
    }
    append(items, kNames[i], count);
  }
  return list("steered", items);
}

/// What the frames that came to the workers cost them.
std::string Counted::load(std::chrono::duration<double> elapsed) const {
  std::uint64_t frames = 0, bytes = 0, bursts = 0, wakes = 0;
  for (const auto& lane : wiring_.lanes) {
    const pipeline::WorkerStats& stats = lane->stats();
    frames += stats.received.value();
    bytes += stats.received_bytes.value();
    bursts += stats.bursts.value();
    for (const Port* port : lane->ports()) wakes += port->counters().wakes.value();
  }
  if (bursts == 0) return {};
  const auto per_burst = [&](std::uint64_t count) {
    return static_cast<double>(count) / static_cast<double>(bursts);
  };
  return list("load",
              fmt::format("{} bytes, {:.1f} Mbit/s on average; {:.1f} frames and {:.2f} "
                          "wake-ups a burst",
                          with_commas(bytes), 8e-6 * static_cast<double>(bytes) / elapsed.count(),
                          per_burst(frames), per_burst(wakes)));
}

/// Whose stamps said when packets arrived.
std::string Counted::times() const {
  std::uint64_t hardware = 0, driver = 0, implausible = 0, headerless = 0, tags = 0, all = 0;
  for (const auto& lane : wiring_.lanes) {
    const pipeline::ArrivalStats& stats = lane->arrival_stats();
    hardware += stats.hardware.value();
    driver += stats.driver.value();
    implausible += stats.implausible.value();
    all += lane->stats().received.value();
    for (const Port* port : lane->ports()) {
      headerless += port->counters().without_header.value();
      tags += port->counters().vlan_tags.value();
    }
  }
  std::string items;
  append(items, "hardware", hardware);
  append(items, "driver", driver);
  if (!items.empty() || implausible != 0) append(items, "software", all - hardware - driver);
  append(items, "implausible stamps", implausible);
  append(items, "without metadata", headerless);
  append(items, "VLAN tags put back", tags);
  return list("times", items);
}

/// How long each worker's packets stayed here.
std::string Counted::residence() const {
  std::string text;
  for (const auto& lane : wiring_.lanes) {
    const pipeline::ResidenceSummary summary = lane->residence().summary();
    std::string items;
    if (summary.packets != 0) {
      items = fmt::format("{} packets stayed {} to {} ns, {} on average",
                          with_commas(summary.packets), with_commas(count(summary.shortest)),
                          with_commas(count(summary.longest)), with_commas(count(summary.mean)));
    }
    append(items, "implausible", summary.implausible);
    append(items, "nobody said when they left", summary.unanswered);
    if (!items.empty()) text += list("resident", fmt::format("{}: {}", lane->name(), items));
  }
  return text;
}

/// What was odd about records, and about the ports.
std::string Counted::notes() const {
  std::uint64_t cut = 0, copies = 0, x86 = 0, pairs = 0, bogus = 0, trouble = 0, several = 0;
  for (const auto& lane : wiring_.lanes) {
    const pipeline::WorkerStats& stats = lane->stats();
    cut += stats.hops_cut.value();
    copies += stats.monitor_copies.value();
    x86 += stats.host_little_endian.value();
    pairs += stats.host_pairs.value();
    for (const Port* port : lane->ports()) {
      bogus += port->counters().bogus_addresses.value();
      trouble += port->counters().device_trouble.value();
      several += port->counters().several_buffers.value();
    }
  }
  std::string records;
  append(records, "pairs", pairs);
  append(records, "hops cut", cut);
  append(records, "monitor copies", copies);
  append(records, "x86 order", x86);
  append(records, "unsure", exporter_.front().unsure);
  std::string ports;
  append(ports, "packets of several frames", several);
  append(ports, "wake-ups that found the device gone or down", trouble);
  append(ports, "bogus addresses", bogus);
  return list("noted", records) + list("ports", ports);
}

std::string Counted::details(std::chrono::duration<double> elapsed) const {
  std::string edits;
  for (std::size_t i = 0; i < telemetry::kEditResults; ++i) {
    std::uint64_t count = 0;
    for (const auto& lane : wiring_.lanes) count += lane->edit_stats().results[i].value();
    append(edits, to_name(static_cast<telemetry::EditResult>(i)), count);
  }
  std::string malformed;
  for (std::size_t i = 0; i < kDropReasons; ++i) {
    std::uint64_t count = 0;
    for (const auto& lane : wiring_.lanes) count += lane->stats().malformed[i].value();
    append(malformed, to_name(static_cast<DropReason>(i)), count);
  }
  std::uint64_t checksums = 0;
  for (const auto& lane : wiring_.lanes) {
    checksums += lane->edit_stats().checksums_completed.value();
  }
  append(edits, "checksums completed", checksums);
  std::string text =
      steering() + load(elapsed) + times() + residence() + notes() + list("edits", edits);
  text += list("broken", malformed.empty() ? malformed : malformed + "   passed on untouched");
  if (wiring_.rpcs) text += describe_rpcs(*wiring_.rpcs);
  return text;
}

}  // namespace valinor::app
