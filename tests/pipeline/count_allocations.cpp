#include "count_allocations.hpp"

#include <atomic>
#include <cstdlib>
#include <new>

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define VALINOR_SANITIZED
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define VALINOR_SANITIZED
#endif
#endif

namespace {
std::atomic<std::size_t> counted{0};
}

std::size_t valinor::test::allocations() noexcept { return counted.load(); }

void* operator new(std::size_t bytes) {
  ++counted;
  if (void* memory = std::malloc(bytes)) return memory;
  throw std::bad_alloc{};
}
void* operator new(std::size_t bytes, std::align_val_t alignment) {
  ++counted;
  const auto align = static_cast<std::size_t>(alignment);
  if (void* memory = std::aligned_alloc(align, (bytes + align - 1) / align * align)) return memory;
  throw std::bad_alloc{};
}
// Sanitizers have their own, which call none of the others.
void* operator new[](std::size_t bytes) { return operator new(bytes); }
void* operator new[](std::size_t bytes, std::align_val_t alignment) {
  return operator new(bytes, alignment);
}
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }
void operator delete(void* memory, std::align_val_t) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t, std::align_val_t) noexcept { std::free(memory); }
void operator delete[](void* memory) noexcept { std::free(memory); }
void operator delete[](void* memory, std::size_t) noexcept { std::free(memory); }
void operator delete[](void* memory, std::align_val_t) noexcept { std::free(memory); }
void operator delete[](void* memory, std::size_t, std::align_val_t) noexcept { std::free(memory); }

#ifdef VALINOR_SANITIZED
bool valinor::test::counts_malloc() noexcept { return false; }
#else
bool valinor::test::counts_malloc() noexcept { return true; }

// glibc's own, under the names that it keeps for such replacements.
extern "C" {
void* __libc_malloc(std::size_t bytes);
void* __libc_calloc(std::size_t count, std::size_t bytes);
void* __libc_realloc(void* memory, std::size_t bytes);

void* malloc(std::size_t bytes) noexcept {
  ++counted;
  return __libc_malloc(bytes);
}
void* calloc(std::size_t count, std::size_t bytes) noexcept {
  ++counted;
  return __libc_calloc(count, bytes);
}
void* realloc(void* memory, std::size_t bytes) noexcept {
  ++counted;
  return __libc_realloc(memory, bytes);
}
}
#endif
