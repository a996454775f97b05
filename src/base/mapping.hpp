/// Owns one mmap(2)ed range.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <utility>

namespace valinor {

class Mapping {
 public:
  Mapping() noexcept = default;

  /// Takes over a range that mmap returned.
  Mapping(void* address, std::size_t bytes) noexcept
      : address_{static_cast<std::byte*>(address)}, bytes_{bytes} {}

  /// mmap(2) of `bytes` at `offset` of `fd`. Throws std::system_error, naming `doing`.
  [[nodiscard]] static Mapping shared(int fd, std::size_t bytes, long offset,
                                      const std::string& doing);

  /// Zeroed private memory, page-aligned and present. Throws std::system_error.
  [[nodiscard]] static Mapping anonymous(std::size_t bytes, const std::string& doing);

  Mapping(Mapping&& other) noexcept
      : address_{std::exchange(other.address_, nullptr)}, bytes_{std::exchange(other.bytes_, 0)} {}
  Mapping& operator=(Mapping&& other) noexcept {
    std::swap(address_, other.address_);
    std::swap(bytes_, other.bytes_);
    return *this;
  }
  ~Mapping();

  [[nodiscard]] std::byte* data() const noexcept { return address_; }
  [[nodiscard]] std::size_t size() const noexcept { return bytes_; }
  [[nodiscard]] std::span<std::byte> bytes() const noexcept { return {address_, bytes_}; }

 private:
  std::byte* address_ = nullptr;
  std::size_t bytes_ = 0;
};

}  // namespace valinor
