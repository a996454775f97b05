/// What LiveFrames does where the kernel refuses: bpf() is made to answer so, in a child.
#include <gtest/gtest.h>
#include <linux/bpf.h>
#include <seccomp.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstdint>
#include <initializer_list>
#include <stdexcept>
#include <string>
#include <thread>

#include "base/failure.hpp"
#include "support/in_child.hpp"
#include "traffic/live_frames.hpp"

namespace valinor::traffic {
namespace {

using namespace std::chrono_literals;

constexpr InterfaceIndex kNoTarget{1};  // loopback, which takes no frames

/// From now on the process gets this answer to bpf(command); 0: success, and nothing is done.
void answer_bpf(bpf_cmd command, std::uint16_t error) {
  void* const filter = ::seccomp_init(SCMP_ACT_ALLOW);
  const scmp_arg_cmp is_command{.arg = 0, .op = SCMP_CMP_EQ, .datum_a = command, .datum_b = 0};
  if (::seccomp_rule_add_array(filter, SCMP_ACT_ERRNO(error), SCMP_SYS(bpf), 1, &is_command) != 0 ||
      ::seccomp_load(filter) != 0) {
    throw std::runtime_error{"no filter"};
  }
}

/// What a user is told when all has ended of itself.
std::string send() {
  try {
    LiveFrames live{FrameTemplates{{.hops = 1, .flows = 5000}}, {.interface = kNoTarget}};
    live.start();
    while (!live.is_over()) std::this_thread::sleep_for(1ms);
    live.stop();
    return "done";
  } catch (const Failure& failure) {
    return failure.finding().to_text();
  }
}

class LiveFramesRefused : public testing::Test {
 protected:
  void SetUp() override {
    if (::geteuid() != 0) GTEST_SKIP() << "loading BPF programs needs root";
  }

  static std::string send_where(bpf_cmd command, int error) {
    return test::in_child([&] {
      answer_bpf(command, static_cast<std::uint16_t>(error));
      return send();
    });
  }

  static void expect(const std::string& said, std::initializer_list<const char*> words) {
    EXPECT_TRUE(said.starts_with("error[GEN-KERNEL-02]")) << said;
    for (const char* word : words) EXPECT_NE(said.find(word), std::string::npos) << said;
  }
};

TEST_F(LiveFramesRefused, AnOldKernelIsNamed) {
  expect(send_where(BPF_PROG_TEST_RUN, EINVAL), {"EINVAL", "Linux 5.18", "without --kernel"});
}

TEST_F(LiveFramesRefused, NoMemoryForSoManyFlows) {
  const std::string said = send_where(BPF_MAP_CREATE, ENOMEM);
  expect(said, {"ENOMEM", "5,000 flows", "--flows"});
  EXPECT_EQ(said.find("5.18"), std::string::npos) << said;
}

TEST_F(LiveFramesRefused, AShortageOfMemoryThatLastsEndsIt) {
  for (const int error : {ENOMEM, EAGAIN}) {
    const std::string said = send_where(BPF_PROG_TEST_RUN, error);
    expect(said, {errno_name(error).c_str(), "short of memory"});
    EXPECT_EQ(said.find("5.18"), std::string::npos) << said;
  }
}

TEST_F(LiveFramesRefused, NoFrameWithoutAnErrorEndsIt) {
  expect(send_where(BPF_PROG_TEST_RUN, 0), {"no frame within 5 s", "without --kernel"});
}

}  // namespace
}  // namespace valinor::traffic
