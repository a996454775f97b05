/// Numbers that say what they count, so that a queue cannot be passed where a CPU is meant.
#pragma once

#include <compare>
#include <cstdint>

namespace valinor {

/// A number of one kind. Two kinds do not convert into each other, nor from a bare number.
template <class Tag, class Representation>
class Strong {
 public:
  using representation = Representation;

  constexpr Strong() noexcept = default;
  constexpr explicit Strong(Representation value) noexcept : value_{value} {}

  [[nodiscard]] constexpr Representation value() const noexcept { return value_; }
  friend constexpr auto operator<=>(Strong, Strong) noexcept = default;

 private:
  Representation value_{};
};

using QueueId = Strong<struct QueueIdTag, std::uint32_t>;                // of one interface, from 0
using CpuId = Strong<struct CpuIdTag, std::uint32_t>;                    // as in /proc/cpuinfo
using InterfaceIndex = Strong<struct InterfaceIndexTag, std::uint32_t>;  // as if_nametoindex(3)

}  // namespace valinor
