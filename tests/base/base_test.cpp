#include <gtest/gtest.h>

#include <poll.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <cstdint>
#include <set>
#include <string_view>
#include <thread>
#include <type_traits>

#include "base/drop_reason.hpp"
#include "base/failure.hpp"
#include "base/thread.hpp"
#include "base/time.hpp"
#include "base/unique_fd.hpp"
#include "base/units.hpp"
#include "base/wake_event.hpp"

namespace valinor {
namespace {

// What must not compile.
static_assert(!std::is_constructible_v<QueueId, CpuId>);
static_assert(!std::is_convertible_v<std::uint32_t, QueueId>);
template <class A, class B>
concept Subtractable = requires(A a, B b) {
  a - b;
};
static_assert(Subtractable<HostTime, HostTime>);
static_assert(!Subtractable<HostTime, SwitchTime>);

TEST(Finding, ReadsAsWhatWhyAndNext) {
  const Finding finding{"XSK-BUSY-01", "veth0 queue 1: refused", "bound\nelsewhere", "ss --xdp"};
  EXPECT_EQ(finding.to_text(),
            "error[XSK-BUSY-01]: veth0 queue 1: refused\n"
            "  why : bound\n        elsewhere\n"
            "  next: ss --xdp\n");
}

TEST(Finding, LeavesOutWhatIsNotKnown) {
  EXPECT_EQ((Finding{"A-B-01", "what", "", ""}).to_text("warning"), "warning[A-B-01]: what\n");
}

TEST(Errno, IsNamed) {
  EXPECT_EQ(describe_errno(EBUSY), "EBUSY: Device or resource busy");
  EXPECT_EQ(errno_name(4711), "errno 4711");
}

TEST(DropReason, EachHasItsOwnName) {
  std::set<std::string_view> names;
  for (std::size_t i = 0; i < kDropReasons; ++i) {
    names.insert(to_name(static_cast<DropReason>(i)));
  }
  EXPECT_EQ(names.size(), kDropReasons);
  EXPECT_FALSE(names.contains(""));
}

TEST(Thread, GetsTheSliceThatItAsksFor) {
  std::array<std::uint64_t, 6> attributes{};  // struct sched_attr; the fourth one is the slice
  std::jthread{[&] {
    request_slice(std::chrono::microseconds{300});
    ::syscall(SYS_sched_getattr, 0, attributes.data(), sizeof attributes, 0);
  }}.join();
  if (attributes[3] == 0) GTEST_SKIP() << "this kernel has no slices to ask for (Linux 6.12)";
  EXPECT_EQ(attributes[3], 300'000u);
}

TEST(WakeEvent, EndsOneWaitHoweverOftenItWasRaised) {
  constexpr std::chrono::seconds kTooLong{30};
  const WakeEvent event;
  const auto is_raised = [&] {
    pollfd source{.fd = event.fd(), .events = POLLIN, .revents = 0};
    return ::poll(&source, 1, 0) == 1;
  };
  EXPECT_FALSE(is_raised());
  const auto began = std::chrono::steady_clock::now();
  event.wait(std::chrono::microseconds{1});
  const std::jthread other{[&] { event.raise(); }};
  event.wait(kTooLong);
  event.raise();
  event.raise();
  EXPECT_TRUE(is_raised());
  event.wait(kTooLong);
  EXPECT_FALSE(is_raised());
  EXPECT_LT(std::chrono::steady_clock::now() - began, kTooLong);
}

TEST(UniqueFd, ClosesOnceAndMoves) {
  int ends[2];
  ASSERT_EQ(::pipe(ends), 0);
  UniqueFd reading{ends[0]};
  UniqueFd writing{ends[1]};
  UniqueFd moved{std::move(writing)};
  EXPECT_FALSE(writing);
  EXPECT_EQ(moved.get(), ends[1]);
  moved.reset();
  char byte = 0;
  EXPECT_EQ(::read(reading.get(), &byte, 1), 0);  // the writing end is closed
}

}  // namespace
}  // namespace valinor
