/// What does a big-endian number cost, of each width, against putting it together byte by byte?
#include <benchmark/benchmark.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <string>

#include "checked.hpp"
#include "wire/be.hpp"

namespace valinor::bench {
namespace {

constexpr std::size_t kNumbers = 1024;
constexpr std::size_t kStride = 9;  // odd, as on the wire: nothing is aligned

/// Some bytes that are not alike.
const std::array<std::byte, kNumbers* kStride> kWire = [] {
  std::array<std::byte, kNumbers * kStride> bytes{};
  std::uint32_t state = 1;
  for (std::byte& byte : bytes) {
    state = state * 1664525 + 1013904223;
    byte = static_cast<std::byte>(state >> 24);
  }
  return bytes;
}();

std::uint64_t byte_by_byte(const std::byte* at, std::size_t count) noexcept {
  std::uint64_t value = 0;
  for (std::size_t i = 0; i < count; ++i) {
    value = value << 8 | std::to_integer<std::uint64_t>(at[i]);
  }
  return value;
}

template <std::size_t N>
void check() {
  for (std::size_t i = 0; i < kNumbers; ++i) {
    const std::byte* at = kWire.data() + i * kStride;
    const auto value = wire::load_be<N>(at);
    require(value == byte_by_byte(at, N), "load_be<" + std::to_string(N) + ">");
    std::array<std::byte, N> back{};
    wire::store_be<N>(back.data(), value);
    require(std::equal(back.begin(), back.end(), at), "store_be<" + std::to_string(N) + ">");
  }
}

void tell(benchmark::State& state) {
  state.SetItemsProcessed(state.iterations() * static_cast<std::int64_t>(kNumbers));
}

template <std::size_t N>
void Load(benchmark::State& state) {
  for (auto _ : state) {
    std::uint64_t sum = 0;
    for (std::size_t i = 0; i < kNumbers; ++i) sum += wire::load_be<N>(kWire.data() + i * kStride);
    benchmark::DoNotOptimize(sum);
  }
  tell(state);
}

void LoadByteByByte(benchmark::State& state) {
  auto bytes = static_cast<std::size_t>(state.range(0));
  for (auto _ : state) {
    benchmark::DoNotOptimize(bytes);  // a width that the compiler knows would be another question
    std::uint64_t sum = 0;
    for (std::size_t i = 0; i < kNumbers; ++i) {
      sum += byte_by_byte(kWire.data() + i * kStride, bytes);
    }
    benchmark::DoNotOptimize(sum);
  }
  tell(state);
}

template <std::size_t N>
void Store(benchmark::State& state) {
  std::array<std::byte, kNumbers * kStride> out{};
  for (auto _ : state) {
    for (std::size_t i = 0; i < kNumbers; ++i) {
      wire::store_be<N>(out.data() + i * kStride, static_cast<wire::UintOf<N>>(i * 0x01030507));
    }
    benchmark::ClobberMemory();
  }
  tell(state);
}

BENCHMARK(Load<2>);
BENCHMARK(Load<3>);
BENCHMARK(Load<4>);
BENCHMARK(Load<6>);
BENCHMARK(Load<8>);
BENCHMARK(LoadByteByByte)->Arg(2)->Arg(4)->Arg(6)->Arg(8);
BENCHMARK(Store<2>);
BENCHMARK(Store<4>);
BENCHMARK(Store<6>);
BENCHMARK(Store<8>);

}  // namespace

void check_answers() {
  check<1>();
  check<2>();
  check<3>();
  check<4>();
  check<5>();
  check<6>();
  check<7>();
  check<8>();
}

}  // namespace valinor::bench
