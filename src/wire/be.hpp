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

/// The N bytes at `bytes` as a number. The caller has checked the length.
template <std::size_t N>
[[nodiscard]] inline UintOf<N> load_be(const std::byte* bytes) noexcept {
  using Value = UintOf<N>;
  if constexpr (N == sizeof(Value)) {
    Value value;
    std::memcpy(&value, bytes, sizeof value);
    if constexpr (std::endian::native == std::endian::big) return value;
    if constexpr (N == 8) return __builtin_bswap64(value);
    if constexpr (N == 4) return __builtin_bswap32(value);
    if constexpr (N == 2) return __builtin_bswap16(value);
    return value;
  } else {
    Value value = 0;
    for (std::size_t i = 0; i < N; ++i) {
      value = static_cast<Value>(value << 8 | static_cast<Value>(bytes[i]));
    }
    return value;
  }
}

/// Writes the low N bytes of `value` at `bytes`.
template <std::size_t N>
inline void store_be(std::byte* bytes, UintOf<N> value) noexcept {
  for (std::size_t i = N; i-- > 0;) {
    bytes[i] = static_cast<std::byte>(value & 0xff);
    value =
        static_cast<UintOf<N>>(value >> 7 >> 1);  // two steps: a shift by 8 is undefined for N = 1
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
