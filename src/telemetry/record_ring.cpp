#include "telemetry/record_ring.hpp"

#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <bit>

#include "base/failure.hpp"
#include "base/unique_fd.hpp"

namespace valinor::telemetry {
namespace {

/// `bytes` of fresh memory, at two neighbouring ranges of addresses.
Mapping map_twice(std::size_t bytes) {
  const std::string doing = "allocate a record ring of " + std::to_string(bytes) + " bytes";
  const UniqueFd memory{::memfd_create("valinor-records", MFD_CLOEXEC)};
  if (!memory || ::ftruncate(memory.get(), static_cast<off_t>(bytes)) != 0) throw_errno(doing);
  void* range = ::mmap(nullptr, 2 * bytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (range == MAP_FAILED) throw_errno(doing);
  Mapping twice{range, 2 * bytes};
  for (std::byte* half : {twice.data(), twice.data() + bytes}) {
    if (::mmap(half, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED | MAP_POPULATE,
               memory.get(), 0) == MAP_FAILED) {
      throw_errno(doing);
    }
  }
  return twice;
}

std::size_t round_up(std::size_t bytes) {
  return std::bit_ceil(std::max(bytes, static_cast<std::size_t>(::sysconf(_SC_PAGESIZE))));
}

}  // namespace

RecordRing::RecordRing(std::size_t bytes)
    : twice_{map_twice(round_up(bytes))}, capacity_{twice_.size() / 2}, memory_{twice_.data()} {}

}  // namespace valinor::telemetry
