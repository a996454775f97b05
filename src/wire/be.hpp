/// Unsigned integers as they stand on the wire: N bytes, most significant first, alignment 1.
/// Structs made of them read like the figure in the specification and need no packing.
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <type_traits>

namespace valinor::wire {

template <std::size_t N>
using UintOf = std::conditional_t<
    (N > 4), std::uint64_t,
    std::conditional_t<(N > 2), std::uint32_t,
                       std::conditional_t<(N > 1), std::uint16_t, std::uint8_t>>>;

/// `value` with its bytes in the wire's order, or back.
template <class Value>
[[nodiscard]] constexpr Value swap_to_wire(Value value) noexcept {
  if constexpr (std::endian::native == std::endian::big) return value;
  if constexpr (sizeof(Value) == 8) return __builtin_bswap64(value);
  if constexpr (sizeof(Value) == 4) return __builtin_bswap32(value);
  if constexpr (sizeof(Value) == 2) return __builtin_bswap16(value);
  return value;
}

/// The N bytes at `bytes` as a number. The caller has checked the length.
template <std::size_t N>
[[nodiscard]] inline UintOf<N> load_be(const std::byte* bytes) noexcept {
  using Value = UintOf<N>;
  if constexpr (N == sizeof(Value)) {
    Value value;
    std::memcpy(&value, bytes, sizeof value);
    return swap_to_wire(value);
  } else {  // as two numbers of which the first is as wide as a register can be
    constexpr std::size_t kFirst = std::bit_floor(N);
    constexpr std::size_t kRest = N - kFirst;
    return static_cast<Value>(Value{load_be<kFirst>(bytes)} << (8 * kRest) |
                              load_be<kRest>(bytes + kFirst));
  }
}

/// load_be<6>() where 8 bytes may be read, which takes a third of the instructions.
[[nodiscard]] inline std::uint64_t load_48(const std::byte* bytes) noexcept {
  return load_be<8>(bytes) >> 16;
}

/// Writes the low N bytes of `value` at `bytes`.
template <std::size_t N>
inline void store_be(std::byte* bytes, UintOf<N> value) noexcept {
  if constexpr (N == sizeof(value)) {
    value = swap_to_wire(value);
    std::memcpy(bytes, &value, sizeof value);
  } else {
    constexpr std::size_t kFirst = std::bit_floor(N);
    constexpr std::size_t kRest = N - kFirst;
    store_be<kFirst>(bytes, static_cast<UintOf<kFirst>>(value >> (8 * kRest)));
    store_be<kRest>(bytes + kFirst, static_cast<UintOf<kRest>>(value));
  }
}

template <std::size_t N>
class Be {
  static_assert(N >= 1 && N <= 8);

 public:
  using Value = UintOf<N>;

  constexpr Be() noexcept = default;
  explicit Be(Value value) noexcept { store_be<N>(bytes_.data(), value); }

  [[nodiscard]] Value value() const noexcept { return load_be<N>(bytes_.data()); }
  Be& operator=(Value value) noexcept {
    store_be<N>(bytes_.data(), value);
    return *this;
  }
  friend bool operator==(const Be&, const Be&) noexcept = default;

 private:
  std::array<std::byte, N> bytes_{};
};

}  // namespace valinor::wire
