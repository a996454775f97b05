#include "base/wake_event.hpp"

#include <poll.h>
#include <sys/eventfd.h>

#include <cstdint>

#include "base/failure.hpp"
#include "base/time.hpp"

namespace valinor {

WakeEvent::WakeEvent() : fd_{::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)} {
  if (!fd_) throw_errno("make an eventfd");
}

void WakeEvent::raise() const noexcept {
  const std::uint64_t one = 1;
  [[maybe_unused]] const auto bytes = ::write(fd_.get(), &one, sizeof one);
}

void WakeEvent::clear() const noexcept {
  std::uint64_t times = 0;  // none: EAGAIN
  [[maybe_unused]] const auto bytes = ::read(fd_.get(), &times, sizeof times);
}

void WakeEvent::wait(std::chrono::microseconds longest) const noexcept {
  pollfd source{.fd = fd_.get(), .events = POLLIN, .revents = 0};
  const timespec limit = to_timespec(longest);
  if (::ppoll(&source, 1, &limit, nullptr) > 0) clear();
}

}  // namespace valinor
