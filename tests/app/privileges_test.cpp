/// What is left of a process's rights once it has given them up.
#include "app/privileges.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <linux/capability.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <fstream>
#include <thread>

#include "support/in_child.hpp"

namespace valinor::app {
namespace {

using test::in_child;

class Privileges : public testing::Test {
 protected:
  void SetUp() override {
    if (::geteuid() != 0) GTEST_SKIP() << "needs root";
  }
};

/// A line of /proc/thread-self/status: "CapEff".
std::string status(const std::string& name) {
  std::ifstream file{"/proc/thread-self/status"};
  for (std::string line; std::getline(file, line);) {
    if (line.starts_with(name + ":\t")) return line.substr(name.size() + 2);
  }
  return "no line " + name;
}

/// "effective permitted inheritable bounding ambient no_new_privs"
std::string rights() {
  return fmt::format("{} {} {} {} {} {}", status("CapEff"), status("CapPrm"), status("CapInh"),
                     status("CapBnd"), status("CapAmb"), status("NoNewPrivs"));
}

std::string rights_of(std::uint64_t kept) {
  return fmt::format("{0:016x} {0:016x} {1:016x} {1:016x} {1:016x} 1", kept, 0);
}

constexpr std::uint64_t bit(int capability) { return std::uint64_t{1} << capability; }

TEST_F(Privileges, NothingStaysByDefault) {
  EXPECT_EQ(in_child([] {
              drop_privileges({.user = ""}, {});
              return rights();
            }),
            rights_of(0));
}

TEST_F(Privileges, WhatIsConfiguredAndWhatIsNeededStays) {
  EXPECT_EQ(in_child([] {
              drop_privileges({.user = "", .keep_caps = {Capability::net_raw}},
                              {Capability::net_admin, Capability::net_raw});
              return rights();
            }),
            rights_of(bit(CAP_NET_RAW) | bit(CAP_NET_ADMIN)));
}

TEST_F(Privileges, AnotherUserKeepsOnlyWhatIsConfigured) {
  const auto become_nobody = [] {
    const std::string text =
        drop_privileges({.user = "nobody", .keep_caps = {Capability::bpf}}, {});
    const bool back = ::setuid(0) == 0 || ::setgid(0) == 0;
    return fmt::format("{}|{}|{}{}", text, rights(), status("Uid"), back ? " root again" : "");
  };
  const std::string answer = in_child(become_nobody);
  EXPECT_TRUE(answer.starts_with("user nobody (was root); dropped ")) << answer;
  EXPECT_TRUE(
      answer.ends_with(", kept CAP_BPF|" + rights_of(bit(CAP_BPF)) + "|65534\t65534\t65534\t65534"))
      << answer;
}

TEST_F(Privileges, ThreadsThatStartLaterHaveNoMore) {
  EXPECT_EQ(in_child([] {
              drop_privileges({.user = ""}, {});
              std::string seen;
              std::thread{[&seen] { seen = rights(); }}.join();
              return seen;
            }),
            rights_of(0));
}

TEST_F(Privileges, AmbientCapabilitiesGoToo) {
  EXPECT_EQ(in_child([] {
              __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
              __user_cap_data_struct data[2]{};
              data[0].effective = data[0].permitted = data[0].inheritable =
                  1U << CAP_NET_RAW | 1U << CAP_NET_ADMIN;
              ::syscall(SYS_capset, &header, data);
              ::prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_NET_RAW, 0, 0);
              const std::string before = status("CapAmb");
              const std::string text =
                  drop_privileges({.user = "", .keep_caps = {Capability::net_raw}}, {});
              return fmt::format("{} {} {} {}|{}", before, status("CapEff"), status("CapInh"),
                                 status("CapAmb"), text);
            }),
            fmt::format("{0:016x} {0:016x} {1:016x} {1:016x}|user root; dropped CAP_NET_ADMIN, "
                        "kept CAP_NET_RAW",
                        bit(CAP_NET_RAW), 0));
}

TEST_F(Privileges, WhatWasNeverThereIsNotKept) {
  EXPECT_EQ(in_child([] {
              test::keep_only({CAP_NET_RAW});
              return drop_privileges({.user = "", .keep_caps = {Capability::bpf}}, {});
            }),
            "user root; dropped CAP_NET_RAW, kept none");
}

TEST_F(Privileges, SaysWhichUserThereIsNot) {
  EXPECT_EQ(in_child([] { return drop_privileges({.user = "nosuchuser"}, {}); }), "SEC-USER-01");
}

TEST_F(Privileges, SaysThatItMayNotBecomeAnotherUser) {
  const auto without_setuid = [](const char* user) {
    return in_child([user] {
      test::keep_only({CAP_SETGID});
      return drop_privileges({.user = user}, {});
    });
  };
  EXPECT_EQ(without_setuid("nobody"), "CAP-USER-01");
  // These ask for nothing that is missing.
  EXPECT_EQ(without_setuid("root"), "user root; dropped CAP_SETGID, kept none");
  EXPECT_EQ(without_setuid("auto"), "user root; dropped CAP_SETGID, kept none");
}

}  // namespace
}  // namespace valinor::app
