/// What does a checksum cost: summed up in full, and updated for a few bytes that have changed?
#include <benchmark/benchmark.h>

#include <algorithm>
#include <cstdint>
#include <string>
#include <vector>

#include "checked.hpp"
#include "wire/be.hpp"
#include "wire/checksum.hpp"

namespace valinor::bench {
namespace {

std::vector<std::byte> make_bytes(std::size_t count) {
  std::vector<std::byte> bytes(count);
  std::uint32_t state = 1;
  for (std::byte& byte : bytes) {
    state = state * 1664525 + 1013904223;
    byte = static_cast<std::byte>(state >> 24);
  }
  return bytes;
}

/// RFC 1071, section 4.1, word by word.
std::uint16_t sum_plainly(wire::Bytes bytes) noexcept {
  std::uint32_t sum = 0;
  std::size_t i = 0;
  for (; i + 1 < bytes.size(); i += 2) sum += wire::load_be<2>(bytes.data() + i);
  if (i < bytes.size()) sum += std::to_integer<std::uint32_t>(bytes[i]) << 8;
  while (sum >> 16 != 0) sum = (sum & 0xffff) + (sum >> 16);
  return static_cast<std::uint16_t>(sum);
}

void tell(benchmark::State& state) { state.SetBytesProcessed(state.iterations() * state.range(0)); }

void Full(benchmark::State& state) {
  const auto bytes = make_bytes(static_cast<std::size_t>(state.range(0)));
  for (auto _ : state) {
    benchmark::DoNotOptimize(bytes.data());
    benchmark::ClobberMemory();
    benchmark::DoNotOptimize(wire::ones_complement_sum(bytes));
  }
  tell(state);
}

void FullPlainly(benchmark::State& state) {
  const auto bytes = make_bytes(static_cast<std::size_t>(state.range(0)));
  for (auto _ : state) {
    benchmark::DoNotOptimize(bytes.data());
    benchmark::ClobberMemory();
    benchmark::DoNotOptimize(sum_plainly(bytes));
  }
  tell(state);
}

/// `range(0)` bytes of a packet have changed; how long it is does not matter.
void Update(benchmark::State& state) {
  const auto before = make_bytes(static_cast<std::size_t>(state.range(0)));
  auto after = before;
  std::reverse(after.begin(), after.end());
  std::uint16_t checksum = 0x1234;
  for (auto _ : state) {
    checksum = wire::updated_checksum(checksum, before, after);
    benchmark::DoNotOptimize(checksum);
  }
  tell(state);
}

constexpr std::int64_t kIpv4 = 20, kSmall = 64, kFullSize = 1500;
BENCHMARK(Full)->Arg(kIpv4)->Arg(kSmall)->Arg(256)->Arg(kFullSize);
BENCHMARK(FullPlainly)->Arg(kIpv4)->Arg(kSmall)->Arg(256)->Arg(kFullSize);
BENCHMARK(Update)->Arg(2)->Arg(4)->Arg(12);

}  // namespace

void check_answers() {
  for (std::size_t count = 0; count <= 1500; ++count) {
    const auto bytes = make_bytes(count);
    require(wire::ones_complement_sum(bytes) == sum_plainly(bytes),
            "sum of " + std::to_string(count) + " bytes");
  }
  auto packet = make_bytes(60);
  const auto checksum = static_cast<std::uint16_t>(~sum_plainly(packet));
  const std::vector<std::byte> before(packet.begin() + 12, packet.begin() + 24);
  std::reverse(packet.begin() + 12, packet.begin() + 24);
  const wire::Bytes after = wire::Bytes{packet}.subspan(12, 12);
  require(wire::updated_checksum(checksum, before, after) ==
              static_cast<std::uint16_t>(~sum_plainly(packet)),
          "update of 12 bytes");
}

}  // namespace valinor::bench
