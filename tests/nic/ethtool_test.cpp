#include "nic/ethtool.hpp"

#include <algorithm>

#include "nic/features.hpp"
#include "nic/flow_rules.hpp"
#include "nic/placement.hpp"
#include "nic/rss.hpp"
#include "nic/timestamping.hpp"
#include "nic/xdp_features.hpp"
#include "nic_veth.hpp"

namespace valinor::nic {
namespace {

class EthtoolTest : public VethTest {};

TEST_F(EthtoolTest, TellsDriverAndSpeed) {
  const Device near{"near"};
  const auto info = driver_info(near);
  ASSERT_TRUE(info);
  EXPECT_EQ(info->driver, "veth");
  EXPECT_EQ(link_speed(near), 10000u);  // what every veth claims
  EXPECT_FALSE(link_speed(Device{"lo"}));
}

TEST_F(EthtoolTest, ReadsAndSetsChannels) {
  const Device near{"near"};
  const auto counts = channels(near);
  ASSERT_TRUE(counts);
  EXPECT_EQ(counts->most.receive(), 4u);
  Channels fewer = counts->now;
  fewer.rx = 2;
  EXPECT_EQ(set_channels(near, fewer), 0);
  EXPECT_EQ(channels(near)->now.receive(), 2u);
  fewer.rx = 9;
  EXPECT_EQ(set_channels(near, fewer), EINVAL);
  EXPECT_FALSE(channels(Device{"lo"}));
}

TEST_F(EthtoolTest, ReadsAndSetsFeaturesByName) {
  const Device near{"near"};
  const auto all = features(near);
  ASSERT_TRUE(all.contains("rx-gro"));
  ASSERT_TRUE(all.contains("rx-udp-gro-forwarding"));
  EXPECT_TRUE(all.at("rx-gro").changeable);
  const auto fixed = std::find_if(all.begin(), all.end(), [](const auto& one) {
    return !one.second.changeable && !one.second.active;
  });
  ASSERT_NE(fixed, all.end());
  const bool was = all.at("rx-gro").wanted;
  EXPECT_EQ(set_feature(near, "rx-gro", !was), 0);
  EXPECT_EQ(features(near).at("rx-gro").active, !was);
  EXPECT_EQ(set_feature(near, "rx-gro", was), 0);
  EXPECT_EQ(features(near).at("rx-gro").active, was);
  EXPECT_EQ(set_feature(near, "no-such-feature", true), EOPNOTSUPP);
  EXPECT_EQ(set_feature(near, fixed->first, true), EOPNOTSUPP);
}

TEST_F(EthtoolTest, WhatVethDoesNotHaveIsEmpty) {
  const Device near{"near"};
  EXPECT_TRUE(rss_table(near).empty());
  EXPECT_FALSE(flow_rules(near));
  EXPECT_FALSE(add_flow_rule(near, {}));
  EXPECT_FALSE(coalescing(near));
  EXPECT_TRUE(private_flags(near).empty());
  const Placement place = placement(near);
  EXPECT_TRUE(place.interrupts.empty());
  EXPECT_FALSE(place.pcie);
  EXPECT_NE(set_rss_table(near, {0, 1}), 0);
  EXPECT_NE(set_hardware_stamping(near, {1, 1}), 0);
}

TEST_F(EthtoolTest, VethStampsInSoftwareOnly) {
  const auto able = timestamp_abilities(Device{"near"});
  ASSERT_TRUE(able);
  EXPECT_EQ(able->phc, -1);
  EXPECT_FALSE(able->stamps_all_received());
  EXPECT_FALSE(able->stamps_ptp_received());
  EXPECT_FALSE(able->stamps_sent());
}

TEST_F(EthtoolTest, XdpFeaturesOfVeth) {
  const auto told = xdp_features(Device{"near"});
  if (!told) GTEST_SKIP() << "kernel before 6.3";
  EXPECT_TRUE(told->can(XdpAct::basic));
  EXPECT_TRUE(told->can(XdpAct::redirect));
  EXPECT_FALSE(told->can(XdpAct::xsk_zerocopy));
  EXPECT_FALSE(told->can(XdpAct::hw_offload));
  test::run_command("ip link add br0 type bridge");
  EXPECT_FALSE(xdp_features(Device{"br0"})->can(XdpAct::basic));
}

TEST_F(EthtoolTest, ReadsAndSetsNapiDeferral) {
  const Device near{"near"};
  EXPECT_EQ(napi_deferral(near), (NapiDeferral{0, 0}));
  EXPECT_EQ(set_napi_deferral(near, {2, 200'000}), 0);
  EXPECT_EQ(napi_deferral(near), (NapiDeferral{2, 200'000}));
  const test::NetworkNamespace other;  // with a "near" of its own that /sys does not show
  test::VethPair{"near", "far", 1};
  EXPECT_FALSE(napi_deferral(Device{"near"}));
  EXPECT_NE(set_napi_deferral(Device{"near"}, {9, 9}), 0);
}

TEST(Rss, KnowsTheSpreadThatDriversMake) {
  EXPECT_TRUE(is_default_rss({0, 1, 2, 0, 1, 2}, 3));
  EXPECT_TRUE(is_default_rss({0, 0, 1, 1, 1}, 2));
  EXPECT_FALSE(is_default_rss({0, 0, 0, 1}, 2));
  EXPECT_FALSE(is_default_rss({0, 1, 2}, 2));
  EXPECT_FALSE(is_default_rss({0, 1, 0, 1, 0, 1}, 3));
  EXPECT_FALSE(is_default_rss({0, 1}, 0));
}

TEST(FlowRule, IsTheSameWhereverItStands) {
  const FlowRule rule{FlowKind::udp4, 5000, QueueId{1}, 7};
  EXPECT_TRUE(rule.same_as({FlowKind::udp4, 5000, QueueId{1}, 9}));
  EXPECT_FALSE(rule.same_as({FlowKind::udp4, 5000, QueueId{2}, 7}));
  EXPECT_FALSE(rule.same_as({FlowKind::tcp4, 5000, QueueId{1}, 7}));
}

}  // namespace
}  // namespace valinor::nic
