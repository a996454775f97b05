/// Walks over received bytes. Every length on the wire is a claim; the Reader is what knows how
/// much is really there.
#pragma once

#include <cstddef>
#include <cstring>
#include <optional>
#include <span>
#include <type_traits>

namespace valinor::wire {

using Bytes = std::span<const std::byte>;

class Reader {
 public:
  explicit Reader(Bytes bytes) noexcept : bytes_{bytes} {}

  /// Copies out one header and steps over it; nothing, and no step, where it does not fit.
  template <class Header>
  [[nodiscard]] std::optional<Header> read() noexcept {
    static_assert(std::is_trivially_copyable_v<Header> && alignof(Header) == 1);
    if (bytes_.size() < sizeof(Header)) return std::nullopt;
    Header header;
    std::memcpy(&header, bytes_.data(), sizeof(Header));
    bytes_ = bytes_.subspan(sizeof(Header));
    return header;
  }

  /// Takes the next `count` bytes as they stand; nothing where there are fewer.
  [[nodiscard]] std::optional<Bytes> take(std::size_t count) noexcept {
    if (bytes_.size() < count) return std::nullopt;
    const Bytes taken = bytes_.first(count);
    bytes_ = bytes_.subspan(count);
    return taken;
  }

  [[nodiscard]] Bytes rest() const noexcept { return bytes_; }
  [[nodiscard]] std::size_t left() const noexcept { return bytes_.size(); }

 private:
  Bytes bytes_;
};

}  // namespace valinor::wire
