#include "nic/setting.hpp"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "nic/setting_json.hpp"

namespace valinor::nic {
namespace {

const std::vector<Setting> kOneOfEach{
    Channels{.rx = 1, .tx = 2, .other = 3, .combined = 4},
    HardwareRings{.rx = 512, .tx = 1024},
    NapiDeferral{2, 200'000},
    FeatureState{"rx-gro-hw", true},
    RssTable{},
    RssTable{{0, 1, 0, 1}},
    SteeringRule{{FlowKind::ether, 0x1212, QueueId{3}, 9}, true},
    SteeringRule{{FlowKind::udp4, 5000, std::nullopt, 1}, false},
    HardwareStamping{1, 1},
};

TEST(SettingJson, EveryKindComesBackAsItWas) {
  for (const Setting& setting : kOneOfEach) {
    const auto text = to_json(setting).dump();
    const auto back = setting_from_json(nlohmann::json::parse(text));
    ASSERT_TRUE(back) << text;
    EXPECT_EQ(*back, setting) << text;
    EXPECT_EQ(describe(*back), describe(setting));
  }
}

TEST(SettingJson, NonsenseIsNothing) {
  for (const char* text : {"{}", "[]", "1", R"({"channels": 3})", R"({"channels": {"rx": "x"}})",
                           R"({"nosuch": {}})", R"({"rss": {"queues": [-1, "x"]}})"}) {
    EXPECT_FALSE(setting_from_json(nlohmann::json::parse(text))) << text;
  }
}

TEST(Setting, CommandsAreThoseOfTheTools) {
  const auto command = [](const Setting& setting) { return to_command("eth0", setting); };
  EXPECT_EQ(command(Channels{.combined = 4}), "ethtool -L eth0 combined 4");
  EXPECT_EQ(command(Channels{.rx = 2, .tx = 1}), "ethtool -L eth0 rx 2 tx 1");
  EXPECT_EQ(command(HardwareRings{512, 1024}), "ethtool -G eth0 rx 512 tx 1024");
  EXPECT_EQ(command(FeatureState{"rx-lro", false}), "ethtool -K eth0 rx-lro off");
  EXPECT_EQ(command(RssTable{}), "ethtool -X eth0 default");
  EXPECT_EQ(command(RssTable{{0, 1, 0, 1}}), "ethtool -X eth0 equal 2");
  EXPECT_EQ(command(RssTable{{1, 3, 1, 3}}), "ethtool -X eth0 weight 0 2 0 2");
  EXPECT_EQ(command(SteeringRule{{FlowKind::udp4, 5000, QueueId{1}}}),
            "ethtool -N eth0 flow-type udp4 dst-port 5000 action 1");
  EXPECT_EQ(command(SteeringRule{{FlowKind::ip4, 253, QueueId{0}}}),
            "ethtool -N eth0 flow-type ip4 l4proto 253 action 0");
  EXPECT_EQ(command(SteeringRule{{FlowKind::ether, 0x1212, QueueId{0}}}),
            "ethtool -N eth0 flow-type ether proto 0x1212 action 0");
  EXPECT_EQ(command(HardwareStamping{1, 1}), "hwstamp_ctl -i eth0 -t 1 -r 1");
}

TEST(Setting, QueuesTakeTheirTurnsInAnRssTable) {
  EXPECT_EQ(spread_over({QueueId{1}, QueueId{3}}, 5).queues,
            (std::vector<std::uint32_t>{1, 3, 1, 3, 1}));
  EXPECT_TRUE(spread_over({}, 5).queues.empty());
}

}  // namespace
}  // namespace valinor::nic
