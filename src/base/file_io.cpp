#include "base/file_io.hpp"

#include <unistd.h>

#include <cerrno>

namespace valinor {
namespace {

/// `transfer` moves some of the bytes, from or to a place of the file; nothing moved is `nothing`.
template <class Byte, class Transfer>
int move_all(std::span<Byte> bytes, std::uint64_t at, int nothing, Transfer&& transfer) noexcept {
  while (!bytes.empty()) {
    const ssize_t moved = transfer(bytes, static_cast<off_t>(at));
    if (moved < 0 && errno == EINTR) continue;
    if (moved <= 0) return moved == 0 ? nothing : errno;
    bytes = bytes.subspan(static_cast<std::size_t>(moved));
    at += static_cast<std::uint64_t>(moved);
  }
  return 0;
}

}  // namespace

int read_at(int fd, std::span<std::byte> to, std::uint64_t at) noexcept {
  return move_all(to, at, ENODATA, [fd](std::span<std::byte> rest, off_t place) {
    return ::pread(fd, rest.data(), rest.size(), place);
  });
}

int write_at(int fd, std::span<const std::byte> from, std::uint64_t at) noexcept {
  return move_all(from, at, ENOSPC, [fd](std::span<const std::byte> rest, off_t place) {
    return ::pwrite(fd, rest.data(), rest.size(), place);
  });
}

}  // namespace valinor
