#include "app/books.hpp"

#include <fmt/format.h>

#include <cstdio>
#include <numeric>

#include "base/numbers.hpp"

namespace valinor::app {
namespace {

const char* verdict(bool balanced, std::uint64_t lost) {
  if (!balanced) return "DOES NOT BALANCE";
  return lost == 0 ? "complete" : "balanced, with losses";
}

/// "<label> a 3, b 1" for every reason that occurred; "" where none did.
template <class Reason, std::size_t kCount>
std::string list_reasons(const char* label, const std::array<std::uint64_t, kCount>& counts) {
  std::string out;
  for (std::size_t i = 0; i < kCount; ++i) {
    if (counts[i] == 0) continue;
    out += fmt::format("{}{} {}", out.empty() ? label : ", ", to_name(static_cast<Reason>(i)),
                       with_commas(counts[i]));
  }
  return out.empty() ? out : out + "\n";
}

template <std::size_t kCount>
std::uint64_t sum(const std::array<std::uint64_t, kCount>& counts) noexcept {
  return std::accumulate(counts.begin(), counts.end(), std::uint64_t{0});
}

}  // namespace

std::uint64_t FrameBooks::all_dropped() const noexcept { return sum(dropped); }

std::uint64_t FrameBooks::never_received() const noexcept {
  return dropped[static_cast<std::size_t>(DropReason::rx_ring_full)] +
         dropped[static_cast<std::size_t>(DropReason::rx_no_frame)] +
         dropped[static_cast<std::size_t>(DropReason::rx_too_long)];
}

bool FrameBooks::balanced() const noexcept {
  return received == transmitted + consumed + passed + all_dropped();
}

std::string FrameBooks::to_text() const {
  return fmt::format(
             "frames   {} received = {} transmitted + {} consumed + {} passed + {} dropped   {}\n",
             with_commas(received), with_commas(transmitted), with_commas(consumed),
             with_commas(passed), with_commas(all_dropped()), verdict(balanced(), all_dropped())) +
         list_reasons<DropReason>("         dropped: ", dropped);
}

std::uint64_t RecordBooks::all_lost() const noexcept { return ring_full + sum(lost); }

bool RecordBooks::balanced() const noexcept {
  return produced + recovered == stored + collapsed + pending + all_lost();
}

std::string RecordBooks::to_text() const {
  std::string text = fmt::format(
      "records  {} produced{} = {} stored + {} collapsed + {} pending + {} lost   {}{}\n",
      with_commas(produced),
      recovered == 0 ? "" : fmt::format(" + {} recovered", with_commas(recovered)),
      with_commas(stored), with_commas(collapsed), with_commas(pending), with_commas(all_lost()),
      verdict(balanced(), all_lost()), stores.empty() ? "" : "   (" + stores + ")");
  if (on_disk != 0) text += fmt::format("         pending: on disk {}\n", with_commas(on_disk));
  if (ring_full != 0) text += fmt::format("         lost: ring_full {}\n", with_commas(ring_full));
  return text + list_reasons<exporter::LossReason>("         lost: ", lost);
}

std::string TapBooks::to_text() const {
  return fmt::format("tap      {} packets left = {} records + {} overflow   {}\n",
                     with_commas(packets), with_commas(records), with_commas(overflow),
                     verdict(balanced(), overflow));
}

std::vector<RecordBooks> make_record_books(const std::vector<exporter::ExporterTotals>& totals,
                                           std::uint64_t produced, std::uint64_t ring_full) {
  std::vector<RecordBooks> all;
  all.reserve(totals.size());
  for (const exporter::ExporterTotals& one : totals) {
    all.push_back({.stores = totals.size() == 1 ? "" : one.group,
                   .produced = produced,
                   .recovered = one.recovered,
                   .stored = one.stored,
                   .collapsed = one.collapsed,
                   .pending = one.pending,
                   .on_disk = one.on_disk,
                   .ring_full = ring_full,
                   .lost = one.lost});
  }
  return all;
}

ExitStatus judge_books(const FrameBooks& frames, const std::vector<RecordBooks>& records,
                       const std::optional<TapBooks>& tap) {
  bool balanced = frames.balanced() && (!tap || tap->balanced());
  std::uint64_t lost = frames.never_received() + (tap ? tap->overflow : 0);
  for (const RecordBooks& books : records) {
    balanced &= books.balanced();
    lost += books.all_lost();
  }
  if (!balanced) return ExitStatus::internal_error;
  return lost == 0 ? ExitStatus::done : ExitStatus::records_lost;
}

ExitStatus print_books(const FrameBooks& frames, const std::vector<RecordBooks>& records,
                       const std::optional<TapBooks>& tap) {
  std::string text = frames.to_text();
  for (const RecordBooks& books : records) text += books.to_text();
  fmt::print("{}{}", text, tap ? tap->to_text() : "");
  std::fflush(stdout);
  return judge_books(frames, records, tap);
}

}  // namespace valinor::app
