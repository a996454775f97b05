/// What does a record cost as a Redis command, against printf as valinor-c does it?
#include <benchmark/benchmark.h>

#include <array>
#include <cinttypes>
#include <cstdio>
#include <string>
#include <vector>

#include "checked.hpp"
#include "exporter/resp.hpp"
#include "exporter/valinor_entry.hpp"

namespace valinor::bench {
namespace {

using exporter::ValinorEntry;

std::vector<ValinorEntry> make_entries(std::size_t count) {
  std::vector<ValinorEntry> entries;
  for (std::uint32_t i = 0; i < count; ++i) {
    entries.push_back({.timestamp_ns = 1'700'000'000'000'000'000 + i * 997ULL,
                       .enqueue = 0x1234 + i,
                       .enqueue_delta_ns = 5678 * i,
                       .packet_length = static_cast<std::uint16_t>(64 + i),
                       .connection_key = 0xa0911986 ^ i,
                       .source = 0x0a000001,
                       .destination = 0x0a000002,
                       .source_port = static_cast<std::uint16_t>(5001 + i),
                       .destination_port = 80});
  }
  return entries;
}

void append_rows(std::string& out, const std::vector<ValinorEntry>& entries,
                 std::vector<std::byte>& rows) {
  rows.clear();
  for (const ValinorEntry& entry : entries) {
    const auto row = to_row(entry);
    rows.insert(rows.end(), row.begin(), row.end());
  }
  exporter::resp::append_zadd(out, "0", rows);
}

/// One printf for each score and member, and one for each length, as formatting libraries do it.
void append_plainly(std::string& out, const std::vector<ValinorEntry>& entries) {
  std::array<char, 256> text;
  const auto append = [&](int length) {
    out.append(text.data(), static_cast<std::size_t>(length));
  };
  append(std::snprintf(text.data(), text.size(), "*%zu\r\n$4\r\nZADD\r\n$1\r\n0\r\n",
                       2 + 2 * entries.size()));
  for (const ValinorEntry& entry : entries) {
    std::array<char, 32> score;
    const int digits = std::snprintf(score.data(), score.size(), "%" PRIu64, entry.timestamp_ns);
    append(std::snprintf(text.data(), text.size(),
                         "$%d\r\n%s\r\n$68\r\n%016" PRIx64 "%08x%08x%04x%08x%08x%08x%04x%04x\r\n",
                         digits, score.data(), entry.timestamp_ns, entry.enqueue,
                         entry.enqueue_delta_ns, unsigned{entry.packet_length},
                         entry.connection_key, entry.source, entry.destination,
                         unsigned{entry.source_port}, unsigned{entry.destination_port}));
  }
}

void Encode(benchmark::State& state) {
  const auto entries = make_entries(static_cast<std::size_t>(state.range(0)));
  std::string out;
  std::vector<std::byte> rows;
  for (auto _ : state) {
    out.clear();
    append_rows(out, entries, rows);
    benchmark::DoNotOptimize(out.data());
  }
  state.SetItemsProcessed(state.iterations() * state.range(0));
}

void EncodeByPrintf(benchmark::State& state) {
  const auto entries = make_entries(static_cast<std::size_t>(state.range(0)));
  std::string out;
  for (auto _ : state) {
    out.clear();
    append_plainly(out, entries);
    benchmark::DoNotOptimize(out.data());
  }
  state.SetItemsProcessed(state.iterations() * state.range(0));
}

BENCHMARK(Encode)->ArgName("records")->Arg(32)->Arg(256);
BENCHMARK(EncodeByPrintf)->ArgName("records")->Arg(32)->Arg(256);

}  // namespace

void check_answers() {
  for (const std::size_t count : {1, 32, 256}) {
    const auto entries = make_entries(count);
    std::string ours, plain;
    std::vector<std::byte> rows;
    append_rows(ours, entries, rows);
    append_plainly(plain, entries);
    require(ours == plain, std::to_string(count) + " records");
  }
}

}  // namespace valinor::bench
