/// The smallest and the largest rings, ours and the device's: xskxceiver's HW_SW_MIN_RING_SIZE and
/// HW_SW_MAX_RING_SIZE.
#include "packet_io/conformance/link.hpp"
#include "packet_io/conformance/traffic.hpp"

namespace valinor::packet_io::afxdp {
namespace {

class RingSize : public ConformanceTest {
 protected:
  void TearDown() override {
    for (const auto& name : {near_, far_}) {
      if (before_) set_device_rings(name, *before_);
    }
    ConformanceTest::TearDown();
  }

  /// Of both devices; not at all where the driver has no say in it.
  void set_devices(bool to_largest) {
    before_ = device_rings(near_);
    if (!before_) return;
    DeviceRings wanted{.rx = kSmallest, .tx = kSmallest};
    if (to_largest) wanted = {.rx = before_->rx_maximum, .tx = before_->tx_maximum};
    for (const auto& name : {near_, far_}) {
      RecordProperty(name, set_device_rings(name, wanted) ? "device rings set" : "driver refused");
    }
  }

  void transfer_with(const RingSizes& rings, std::uint32_t frames) {
    auto near_config = config_of(near_), far_config = config_of(far_);
    near_config.rings = far_config.rings = rings;
    near_config.umem.frames = far_config.umem.frames = frames;
    End near{near_config, GetParam()}, far{far_config, GetParam()};
    connect(near, far);
    transfer(far.side(), near.side());
    expect_conserved(near);
    expect_conserved(far);
  }

  /// What the configuration allows: interfaces[].rings.
  static constexpr std::uint32_t kSmallest = 64, kLargest = 65536;

 private:
  std::optional<DeviceRings> before_;
};
INSTANTIATE_TEST_SUITE_P(Modes, RingSize, testing::ValuesIn(settings_to_test()), name_of);

TEST_P(RingSize, TheSmallestCarryTheStream) {
  set_devices(false);
  transfer_with({.rx = kSmallest, .fill = kSmallest, .tx = kSmallest, .completion = kSmallest},
                512);
}

TEST_P(RingSize, TheLargestCarryTheStreamThoughMostStaysEmpty) {
  set_devices(true);
  transfer_with({.rx = kLargest, .fill = 2048, .tx = kLargest, .completion = kLargest}, 8192);
}

/// Rings larger than there are frames cannot be full; smaller ones are so all the time.
TEST_P(RingSize, ADeepTransmitRingAndAShallowCompletionRing) {
  transfer_with({.rx = 256, .fill = 512, .tx = 1024, .completion = kSmallest}, 2048);
}

TEST_P(RingSize, AShallowFillRing) {
  transfer_with({.rx = 1024, .fill = kSmallest, .tx = 256, .completion = 512}, 2048);
}

}  // namespace
}  // namespace valinor::packet_io::afxdp
