/// How the tap comes to an interface, and goes: with every right or few, and by kill -9.
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <linux/bpf.h>
#include <linux/capability.h>
#include <net/if.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include <cstring>

#include "base/failure.hpp"
#include "support/in_child.hpp"
#include "tapped.hpp"

namespace valinor::tap {
namespace {

class AttachTest : public TapTest {};

/// Programs that hang on the way out of "near" by tcx.
std::uint32_t tcx_programs() {
  bpf_attr attributes;
  std::memset(&attributes, 0, sizeof attributes);
  attributes.query.target_fd = ::if_nametoindex("near");
  attributes.query.attach_type = 47;  // BPF_TCX_EGRESS
  if (::syscall(SYS_bpf, BPF_PROG_QUERY, &attributes, sizeof attributes) != 0) return 0;
  return attributes.query.prog_cnt;
}

std::size_t count(const std::string& text, const std::string& word) {
  std::size_t n = 0;
  for (auto at = text.find(word); at != std::string::npos; at = text.find(word, at + 1)) ++n;
  return n;
}

/// Those of the name on the way out by clsact; "name valinor_tap:[42]" stands once for each.
std::size_t filters(const std::string& name) {
  return count(output_of("tc filter show dev near egress"), name + ":[");
}

/// A packet that leaves "near".
void send_one() { test::PacketSocket{"near"}.send(std::vector<std::byte>(60)); }

bool has_clsact() { return count(output_of("tc qdisc show dev near"), "clsact") != 0; }

/// A child that taps "near" until it is killed.
class TappingChild {
 public:
  explicit TappingChild(const TapConfig& config) {
    int ready[2];
    if (::pipe(ready) != 0) throw_errno("make a pipe");
    pid_ = ::fork();
    if (pid_ == 0) {
      try {
        TapProgram program{config};
        program.enable();
        [[maybe_unused]] const auto written = ::write(ready[1], "x", 1);
        for (;;) ::pause();
      } catch (const std::exception&) {
        ::_exit(1);
      }
    }
    ::close(ready[1]);
    char byte = 0;
    EXPECT_EQ(::read(ready[0], &byte, 1), 1);
    ::close(ready[0]);
  }
  void kill() {
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
  }

 private:
  pid_t pid_;
};

TEST_F(AttachTest, TcxComesAndGoesWithTheObject) {
  {
    const TapProgram program{near()};
    if (tcx_programs() == 0) GTEST_SKIP() << "this kernel has no tcx";
    EXPECT_EQ(program.describe(), "near by tcx");
    const TapProgram second{near()};
    EXPECT_EQ(tcx_programs(), 2U);
  }
  EXPECT_TRUE(eventually([] { return tcx_programs() == 0; }));
  EXPECT_FALSE(has_clsact());
}

TEST_F(AttachTest, TcxIsGoneAfterKill9) {
  TappingChild child{near()};
  if (tcx_programs() == 0) GTEST_SKIP() << "this kernel has no tcx";
  child.kill();
  EXPECT_TRUE(eventually([] { return tcx_programs() == 0; }));
}

TEST_F(AttachTest, ClsactLeavesNothingBehind) {
  {
    const TapProgram program{near(AttachBy::clsact)};
    EXPECT_EQ(program.describe(), "near by clsact");
    EXPECT_EQ(filters("valinor_tap"), 1U);
  }
  EXPECT_FALSE(has_clsact());
}

TEST_F(AttachTest, AClsactFilterLeftByKill9IsReplaced) {
  TappingChild child{near(AttachBy::clsact)};
  child.kill();
  EXPECT_EQ(filters("valinor_tap"), 1U);
  {
    Tapped tapped{near(AttachBy::clsact)};
    EXPECT_EQ(filters("valinor_tap"), 1U);
    send_one();
    EXPECT_EQ(tapped.stop().size(), 1U);
  }
  EXPECT_EQ(filters("valinor_tap"), 0U);
}

TEST_F(AttachTest, ARunningTapByClsactIsNotReplaced) {
  TappingChild child{near(AttachBy::clsact)};
  try {
    const TapProgram second{near(AttachBy::clsact)};
    ADD_FAILURE() << "a second tap by clsact";
  } catch (const Failure& failure) {
    EXPECT_EQ(failure.finding().code, "TAP-BUSY-01");
  }
  EXPECT_EQ(filters("valinor_tap"), 1U);
  child.kill();
}

/// A program of somebody else's that lets everything pass.
UniqueFd foreign_program() {
  const bpf_insn instructions[] = {
      {.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = 0, .src_reg = 0, .off = 0, .imm = -1},
      {.code = BPF_JMP | BPF_EXIT, .dst_reg = 0, .src_reg = 0, .off = 0, .imm = 0}};
  return UniqueFd{
      ::bpf_prog_load(BPF_PROG_TYPE_SCHED_CLS, "foreign", "MIT", instructions, 2, nullptr)};
}

void attach_foreign(int program) {
  bpf_tc_hook hook{};
  hook.sz = sizeof hook;
  hook.ifindex = static_cast<int>(::if_nametoindex("near"));
  hook.attach_point = BPF_TC_EGRESS;
  ::bpf_tc_hook_create(&hook);
  bpf_tc_opts options{};
  options.sz = sizeof options;
  options.prog_fd = program;
  ASSERT_EQ(::bpf_tc_attach(&hook, &options), 0);
}

TEST_F(AttachTest, ForeignFiltersAndTheirQdiscStay) {
  const UniqueFd foreign = foreign_program();
  ASSERT_TRUE(foreign);
  // There before us.
  attach_foreign(foreign.get());
  {
    Tapped tapped{near(AttachBy::clsact)};
    EXPECT_EQ(filters("foreign"), 1U);
    send_one();
    EXPECT_EQ(tapped.stop().size(), 1U);
  }
  EXPECT_EQ(filters("foreign"), 1U);
  EXPECT_EQ(filters("valinor_tap"), 0U);
  test::run_command("tc qdisc del dev near clsact");
  // Come while we were there, to a qdisc that we made.
  {
    const TapProgram program{near(AttachBy::clsact)};
    attach_foreign(foreign.get());
  }
  EXPECT_EQ(filters("foreign"), 1U);
  EXPECT_TRUE(has_clsact());
}

TEST_F(AttachTest, SaysWhichInterfaceIsMissing) {
  TapConfig config = near();
  config.interfaces.push_back("nowhere");
  try {
    const TapProgram program{config};
    ADD_FAILURE() << "tapped an interface that is not there";
  } catch (const Failure& failure) {
    EXPECT_EQ(failure.finding().code, "IF-NAME-01");
    EXPECT_EQ(failure.exit_status(), ExitStatus::host_not_ready);
  }
  EXPECT_EQ(tcx_programs(), 0U);
}

/// What a child with only these capabilities ends in: "1 packet", or the Failure's code and cause.
std::string outcome(test::Capabilities kept, const TapConfig& config) {
  test::PacketSocket sender{"near"};
  return test::in_child([&] {
    try {
      test::keep_only(kept);
      Tapped tapped{config};
      sender.send(std::vector<std::byte>(60));
      return std::to_string(tapped.stop().size()) + " packet";
    } catch (const Failure& failure) {
      return failure.finding().code + " " + failure.finding().why;
    }
  });
}

TEST_F(AttachTest, TwoCapabilitiesAreEnough) {
  for (const AttachBy how : {AttachBy::automatic, AttachBy::clsact}) {
    EXPECT_EQ(outcome({CAP_BPF, CAP_NET_ADMIN}, near(how)), "1 packet");
  }
}

TEST_F(AttachTest, NamesTheCapabilityThatIsMissing) {
  const std::string said = "CAP-BPF-01 kernel said EPERM: missing is ";
  EXPECT_EQ(outcome({CAP_NET_ADMIN}, near()), said + "CAP_BPF (before Linux 5.8: CAP_SYS_ADMIN)");
  EXPECT_EQ(outcome({CAP_BPF}, near()), said + "CAP_NET_ADMIN");
  EXPECT_EQ(outcome({}, near()),
            said + "CAP_BPF (before Linux 5.8: CAP_SYS_ADMIN) and CAP_NET_ADMIN");
}

}  // namespace
}  // namespace valinor::tap
