/// Turns ticks into time on worker threads, while one other thread keeps the conversion right.
///
///   main thread --store()--> [ SharedTimebase ] --load(), once per burst--> Timebase
///   worker:  base.to_host(read_tsc())
#pragma once

#include <array>
#include <atomic>
#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <type_traits>

#include "base/time.hpp"
#include "clock/tsc.hpp"

namespace valinor::clock {

/// Nanoseconds per tick, in units of 2^-48. A tick of 52 ns (aarch64 at 19.2 MHz) fits, and the
/// rounding is below 0.01 ns after 1,000 s.
class Slope {
 public:
  static constexpr int kFractionBits = 48;

  constexpr Slope() noexcept = default;
  [[nodiscard]] static Slope from_nanos_per_tick(double nanos) noexcept {
    return Slope{std::llround(nanos * kOne)};
  }
  [[nodiscard]] constexpr std::int64_t scaled() const noexcept { return scaled_; }
  [[nodiscard]] constexpr double nanos_per_tick() const noexcept {
    return static_cast<double>(scaled_) / kOne;
  }
  friend constexpr bool operator==(Slope, Slope) noexcept = default;

 private:
  static constexpr double kOne = static_cast<double>(std::int64_t{1} << kFractionBits);
  constexpr explicit Slope(std::int64_t scaled) noexcept : scaled_{scaled} {}

  std::int64_t scaled_ = 0;
};

/// Host time as a function of ticks: two straight lines that meet at the pivot.
///
///   time |              . slope_after
///        |          . '
///        |     ___+'      pivot: a little in the future when the timebase is published
///        | ---'  slope_before, the line of the timebase before this one
///        +-------------------> ticks
///
/// As the older line is in both, a worker that still holds the previous timebase and one that has
/// this one give every tick up to the pivot the same time.
struct Timebase {
  /// A time finer than Nanos, so that lines meet without a rounding step.
  struct Fine {
    Nanos whole{};
    std::int64_t fraction = 0;  // 0 to 2^48 - 1, in units of 2^-48 ns
  };

  TscTicks pivot;
  Fine at_pivot;
  Slope slope_before;
  Slope slope_after;
  float bound_ns = 0;           // how far at_pivot may be from the clock
  float bound_ns_per_tick = 0;  // how much that grows with every tick away from the pivot
  Nanos step{};                 // the clock was set by this much shortly before the pivot; else 0

  [[nodiscard]] Fine fine(TscTicks ticks) const noexcept {
    __extension__ using Wide = __int128;
    const std::int64_t distance = ticks_between(pivot, ticks);
    const Slope slope = distance < 0 ? slope_before : slope_after;
    const Wide sum = Wide{distance} * slope.scaled() + at_pivot.fraction;
    // >> rounds towards the past on both sides of the pivot (a division would round towards it).
    return {at_pivot.whole + Nanos{static_cast<std::int64_t>(sum >> Slope::kFractionBits)},
            static_cast<std::int64_t>(sum & ((std::int64_t{1} << Slope::kFractionBits) - 1))};
  }

  [[nodiscard]] HostTime to_host(TscTicks ticks) const noexcept { return {fine(ticks).whole}; }

  /// to_host(ticks) was at most this far from the clock at `ticks`; discipline.hpp says under which
  /// assumption. Meant for ticks since the timebase before this one, and later.
  [[nodiscard]] Nanos error_bound(TscTicks ticks) const noexcept;
};

/// The current Timebase. store() belongs to one thread, load() to any.
///
/// Two slots: the writer fills the one that readers were not sent to, then sends them there. A
/// reader tries again only if two stores happened during its copy of 56 bytes, so a writer that is
/// preempted half-way keeps nobody waiting.
class SharedTimebase {
 public:
  explicit SharedTimebase(const Timebase& first) noexcept { store(first); }

  void store(const Timebase& timebase) noexcept;

  [[nodiscard]] Timebase load() const noexcept {
    for (;;) {
      // Acquire: pairs with the last store in store(); the slot it names is complete.
      const std::uint64_t version = version_.load(std::memory_order_acquire);
      const Slot& slot = slots_[version % slots_.size()];
      Words words;
      for (std::size_t i = 0; i < words.size(); ++i) {
        // Acquire: pairs with the store of the same word. Whoever sees a word of version + 2 then
        // also sees version + 1, below, and tries again.
        words[i] = slot.words[i].load(std::memory_order_acquire);
      }
      // Relaxed: the acquire loads above keep it behind them.
      if (version_.load(std::memory_order_relaxed) == version) {
        return std::bit_cast<Timebase>(words);
      }
    }
  }

 private:
  using Words = std::array<std::uint64_t, sizeof(Timebase) / sizeof(std::uint64_t)>;
  static_assert(sizeof(Words) == sizeof(Timebase) && std::is_trivially_copyable_v<Timebase>);

  struct alignas(64) Slot {  // a cache line each: filling one leaves the readers of the other alone
    std::array<std::atomic<std::uint64_t>, std::tuple_size_v<Words>> words{};
  };
  static_assert(sizeof(Slot) == 64);

  std::array<Slot, 2> slots_{};
  alignas(64) std::atomic<std::uint64_t> version_{0};
};

}  // namespace valinor::clock
