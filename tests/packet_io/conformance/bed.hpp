/// Where the conformance tests run: two connected interfaces, "near" under test and "far".
///
///   VALINOR_TEST_INTERFACES=eth1,eth2   near and far, which are there and connected to each other;
///                                       unset: a veth pair in a namespace of each test's own
///   VALINOR_TEST_MODES=zerocopy,copy    the modes that must work there; unset: copy,skb
#pragma once

#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "packet_io/afxdp/open_interface.hpp"
#include "support/netns.hpp"

namespace valinor::packet_io::afxdp {

/// How the packets of a test get from the NIC to user space.
struct Setting {
  Mode mode = Mode::copy;
  bool busy_poll = false;  // the sockets drive NAPI from their own thread
};

/// Each mode that must work here, with and without busy polling.
[[nodiscard]] std::vector<Setting> settings_to_test();

/// "copy", "copyBusyPoll"
[[nodiscard]] std::string name_of(const testing::TestParamInfo<Setting>& setting);

/// What a port is to be opened with besides, where no OpenInterface does it.
[[nodiscard]] SocketWishes wishes_of(const InterfaceConfig& config);

/// A port and how it is driven. One thread at a time.
class Side {
 public:
  /// The port outlives it.
  Side(AfxdpPort& port, Setting setting) : port_{port}, setting_{setting} {}

  [[nodiscard]] AfxdpPort& port() const noexcept { return port_; }
  [[nodiscard]] Setting setting() const noexcept { return setting_; }

  /// What a worker does once per turn.
  void turn() const noexcept { port_.flush(); }

  /// Until something may have arrived; not at all where that takes turns.
  void wait() const noexcept;

 private:
  AfxdpPort& port_;
  Setting setting_;
};

/// An interface opened as the program opens it, one queue of it, receiving.
class End {
 public:
  End(const InterfaceConfig& config, Setting setting, const wire::MatchRules& rules = {},
      OtherTraffic other = OtherTraffic::kernel);
  /// With the packet memory of another one.
  End(const InterfaceConfig& config, Setting setting, FramePools& pools);

  [[nodiscard]] AfxdpPort& port() const noexcept { return *opened_.ports()[0]; }
  [[nodiscard]] const Side& side() const noexcept { return side_; }
  [[nodiscard]] OpenInterface& opened() noexcept { return opened_; }
  [[nodiscard]] const OpenInterface& opened() const noexcept { return opened_; }
  [[nodiscard]] FramePools& pools() noexcept { return pools_; }
  [[nodiscard]] FramePool& pool() const noexcept { return *pools_[0]; }

 private:
  FramePools own_pools_;
  FramePools& pools_;
  OpenInterface opened_;
  Side side_;
};

class ConformanceTest : public testing::TestWithParam<Setting> {
 protected:
  void SetUp() override;
  void TearDown() override;

  /// For near_ or far_: one queue, in the mode of this test. TX has frames left when the fill ring
  /// and a driver's ring of 1024 are full.
  [[nodiscard]] InterfaceConfig config_of(const std::string& interface) const;
  [[nodiscard]] End open(const std::string& interface) const;

  [[nodiscard]] bool is_zerocopy() const { return GetParam().mode == Mode::zerocopy; }
  [[nodiscard]] bool is_veth() const { return network_.has_value(); }
  /// The pair has one queue otherwise, so that all packets are for it.
  void make_veth_with_two_queues() const;

  std::string near_ = "near", far_ = "far";

 private:
  void defer_interrupts();

  std::optional<test::NetworkNamespace> network_;
  // What given interfaces get back at the end.
  std::map<std::string, std::uint32_t> mtus_;
  std::map<std::pair<std::string, std::string>, std::string> settings_;
};

}  // namespace valinor::packet_io::afxdp
