/// Packets that another XDP program made longer or shorter before ours: xskxceiver's
/// XDP_ADJUST_TAIL_SHRINK and XDP_ADJUST_TAIL_GROW.
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <linux/if_link.h>

#include "adjust_tail.skel.h"
#include "packet_io/conformance/traffic.hpp"

namespace valinor::packet_io::afxdp {
namespace {

/// The test's program on an interface, with ours called by it.
class TailAdjuster {
 public:
  TailAdjuster(const Interface& interface, Mode mode, std::int32_t delta,
               const RedirectProgram& then)
      : skeleton_{adjust_tail_bpf::open()} {
    skeleton_->rodata->delta = delta;
    EXPECT_EQ(adjust_tail_bpf::load(skeleton_.get()), 0);
    const std::uint32_t slot = 0;
    const int program = then.fd();
    EXPECT_EQ(::bpf_map_update_elem(::bpf_map__fd(skeleton_->maps.next), &slot, &program, BPF_ANY),
              0);
    bpf_link_create_opts options{};
    options.sz = sizeof options;
    options.flags = mode == Mode::skb ? XDP_FLAGS_SKB_MODE : XDP_FLAGS_DRV_MODE;
    link_ =
        UniqueFd{::bpf_link_create(::bpf_program__fd(skeleton_->progs.adjust_tail),
                                   static_cast<int>(interface.index.value()), BPF_XDP, &options)};
    EXPECT_TRUE(link_);
  }
  ~TailAdjuster() { ::bpf_link_detach(link_.get()); }
  TailAdjuster(const TailAdjuster&) = delete;
  TailAdjuster& operator=(const TailAdjuster&) = delete;

 private:
  struct Unload {
    void operator()(adjust_tail_bpf* skeleton) const noexcept {
      adjust_tail_bpf::destroy(skeleton);
    }
  };
  std::unique_ptr<adjust_tail_bpf, Unload> skeleton_;
  UniqueFd link_;
};

/// Behind a packet, veth leaves room up to the next multiple of 64 bytes, and none to grow beyond.
std::uint32_t size_of(std::uint32_t number) { return 64 * (2 + number % 16) + 1; }

class AdjustTail : public ConformanceTest {
 protected:
  void transfer_adjusted(std::int32_t delta) {
    const Interface interface = find_interface(near_);
    const auto config = config_of(near_);
    FramePool pool{config.umem};
    RedirectProgram redirect{{}, OtherTraffic::kernel, 1};
    const TailAdjuster first{interface, config.mode, delta, redirect};
    AfxdpPort port{interface,    QueueId{0},       pool,
                   config.rings, config.mode,      Use::receive_and_transmit,
                   {},           wishes_of(config)};
    const Side side{port, GetParam()};
    redirect.steer(QueueId{0}, port.fd());
    End far = open(far_);
    wait_for_carrier(near_);
    wait_for_carrier(far_);
    transfer(far.side(), side, {.bytes = size_of, .grown = delta});
    EXPECT_EQ(port.counters().received.value(), kPackets);
    EXPECT_EQ(redirected(redirect), kPackets);
    redirect.unsteer();
    expect_conserved(far);
  }
};
INSTANTIATE_TEST_SUITE_P(Modes, AdjustTail, testing::ValuesIn(settings_to_test()), name_of);

TEST_P(AdjustTail, APacketThatShrankArrivesShorter) { transfer_adjusted(-48); }

TEST_P(AdjustTail, APacketThatGrewArrivesWithZerosAtItsEnd) { transfer_adjusted(48); }

}  // namespace
}  // namespace valinor::packet_io::afxdp
