/// What a process without this or that privilege is told. Each test does it in a child.
#include <linux/capability.h>
#include <sys/resource.h>

#include "packet_io/afxdp_veth.hpp"
#include "support/in_child.hpp"

namespace valinor::packet_io::afxdp {
namespace {

/// The code of the Failure that `attempt` ends in, in a child with only these capabilities;
/// "done" where it ends well.
template <class Attempt>
std::string outcome(test::Capabilities kept, Attempt attempt) {
  return test::in_child([&] {
    test::keep_only(kept);
    attempt();
    return std::string{"done"};
  });
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
