#include "base/mapping.hpp"

#include <sys/mman.h>

#include "base/failure.hpp"

namespace valinor {
namespace {

Mapping map(std::size_t bytes, int flags, int fd, long offset, const std::string& doing) {
  void* address = ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, flags, fd, offset);
  if (address == MAP_FAILED) throw_errno(doing);
  return Mapping{address, bytes};
}

}  // namespace

Mapping Mapping::shared(int fd, std::size_t bytes, long offset, const std::string& doing) {
  return map(bytes, MAP_SHARED | MAP_POPULATE, fd, offset, doing);
}

Mapping Mapping::anonymous(std::size_t bytes, const std::string& doing) {
  return map(bytes, MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0, doing);
}

Mapping::~Mapping() {
  if (address_ != nullptr) ::munmap(address_, bytes_);
}

}  // namespace valinor
