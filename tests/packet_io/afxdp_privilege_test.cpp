/// What a process without this or that privilege is told. Each test does it in a child.
#include <linux/capability.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include <initializer_list>

#include "packet_io/afxdp_veth.hpp"

namespace valinor::packet_io::afxdp {
namespace {

using Capabilities = std::initializer_list<int>;

/// The calling process keeps these capabilities and no others.
void keep_only(Capabilities kept) {
  __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
  __user_cap_data_struct data[2]{};
  for (const int capability : kept) {
    auto& word = data[static_cast<std::size_t>(capability) / 32];
    word.effective |= 1U << (capability % 32);
    word.permitted = word.effective;
  }
  if (::syscall(SYS_capset, &header, data) != 0) throw_errno("drop capabilities");
}

/// The code of the Failure that `attempt` ends in, in a child with only these capabilities;
/// "done" where it ends well.
template <class Attempt>
std::string outcome(Capabilities kept, Attempt attempt) {
  int result[2];
  if (::pipe(result) != 0) throw_errno("make a pipe");
  const pid_t child = ::fork();
  if (child == 0) {
    std::string code = "done";
    try {
      keep_only(kept);
      attempt();
    } catch (const Failure& failure) {
      code = failure.finding().code;
    } catch (const std::exception& other) {
      code = other.what();
    }
    [[maybe_unused]] const auto written = ::write(result[1], code.data(), code.size());
    ::_exit(0);
  }
  ::close(result[1]);
  std::string code(256, '\0');
  const auto bytes = ::read(result[0], code.data(), code.size());
  code.resize(bytes > 0 ? static_cast<std::size_t>(bytes) : 0);
  ::close(result[0]);
  ::waitpid(child, nullptr, 0);
  return code;
}

class AfxdpPrivilege : public VethTest {};

TEST_F(AfxdpPrivilege, FourCapabilitiesAreEnough) {
  for (const Mode mode : {Mode::automatic, Mode::skb}) {
    EXPECT_EQ(outcome({CAP_NET_RAW, CAP_NET_ADMIN, CAP_BPF, CAP_PERFMON},
                      [mode] {
                        Opened opened{near(mode), {}};
                        opened.steer();
                        opened.unsteer();
                      }),
              "done");
  }
}

TEST_F(AfxdpPrivilege, NamesTheCapabilityThatIsMissing) {
  const auto open = [] { Opened{near(Mode::automatic), {}}; };
  EXPECT_EQ(outcome({}, open), "CAP-BPF-01");
  EXPECT_EQ(outcome({CAP_NET_RAW, CAP_NET_ADMIN}, open), "CAP-BPF-01");
  EXPECT_EQ(outcome({CAP_NET_RAW, CAP_NET_ADMIN, CAP_BPF}, open), "CAP-BPF-01");
  EXPECT_EQ(outcome({CAP_NET_ADMIN, CAP_BPF, CAP_PERFMON}, open), "CAP-RAW-01");
}

TEST_F(AfxdpPrivilege, SaysHowMuchMemoryMustBeLockable) {
  EXPECT_EQ(outcome({CAP_NET_RAW},
                    [] {
                      const rlimit small{64 * 1024, 64 * 1024};
                      if (::setrlimit(RLIMIT_MEMLOCK, &small) != 0) throw_errno("lower the limit");
                      const Umem umem{{.frames = 512, .frame_size = 4096}};
                      const XskSocket socket{umem, {}};
                    }),
            "MEM-LOCK-01");
}

}  // namespace
}  // namespace valinor::packet_io::afxdp
