// interfaces[].steer, and what of the NIC's settings contradicts other keys.

#include "app/config_steering.hpp"

#include <string>

#include "app/config_texts.hpp"

namespace valinor::app {
namespace {

using nic::SteeredBy;

std::string problems_of_steer(const std::string& value) {
  return problems_of_set("interfaces[0].steer", value);
}

TEST(Steering, EachKindOfRule) {
  const Config config = config_of(
      "version: 1\n"
      "interfaces:\n"
      "  - name: eth0\n"
      "    steer:\n"
      "      - match: {proto: udp, dst_port: 5000}\n"
      "        queues: 2\n"
      "      - {match: {dst_port: 22, proto: tcp4}, queues: [7]}\n"
      "      - {match: {ip_protocol: 253}, queues: \"0\"}\n"
      "      - {match: {ethertype: 0x1212}, queues: 1}\n");
  ASSERT_EQ(config.interfaces.size(), 1U);
  EXPECT_EQ(config.interfaces[0].settings.steer,
            (SteeringList{{SteeredBy::udp_port, 5000, QueueId{2}},
                          {SteeredBy::tcp4_port, 22, QueueId{7}},
                          {SteeredBy::ip_protocol, 253, QueueId{0}},
                          {SteeredBy::ethertype, 0x1212, QueueId{1}}}));
}

TEST(Steering, IsWrittenAsItIsRead) {
  const std::string text =
      "[{match: {proto: udp6, dst_port: 5000}, queues: 2}, {match: {ip_protocol: 253}, queues: 0}, "
      "{match: {ethertype: 0x1212}, queues: 1}]";
  EXPECT_EQ(
      steering_text(config_of_set("interfaces[0].steer", text).interfaces.at(0).settings.steer),
      text);
}

TEST(Steering, ARuleLeadsToOneQueue) {
  for (const char* queues : {"0-3", "[0, 1]", "[]"}) {
    const std::string problems =
        problems_of_steer("[{match: {ethertype: 0x1212}, queues: " + std::string{queues} + "}]");
    EXPECT_NE(problems.find("CFG-STEER-01"), std::string::npos) << problems;
    EXPECT_NE(problems.find("interfaces[0].steer[0].queues wants one queue"), std::string::npos)
        << problems;
  }
}

struct Wrong {
  const char* value;
  const char* code;
  const char* words;
};

TEST(Steering, WhatIsWrongIsNamed) {
  constexpr Wrong kWrong[]{
      {"5", "CFG-TYPE-01", "interfaces[0].steer wants a list"},
      {"[5]", "CFG-TYPE-01", "interfaces[0].steer[0] wants keys and values"},
      {"[{queues: 1}]", "CFG-KEY-01", "'match' is missing in interfaces[0].steer[0]"},
      {"[{match: {ethertype: 0x1212}}]", "CFG-KEY-01", "'queues' is missing"},
      {"[{match: {ethertype: 0x1212}, queue: 1}]", "CFG-KEY-02", "did you mean 'queues'?"},
      {"[{match: {ethertyp: 0x1212}, queues: 1}]", "CFG-KEY-02", "did you mean 'ethertype'?"},
      {"[{match: {ethertype: 5}, queues: 1}]", "CFG-RANGE-01", "steer[0].match.ethertype wants"},
      {"[{match: {ethertype: 0x1212}, queues: 1, queues: 2}]", "CFG-KEY-03",
       "'queues' is set twice"},
      {"[{match: {proto: udp}, queues: 1}]", "CFG-STEER-01", "wants proto and dst_port"},
      {"[{match: {proto: udp, dst_port: 1, ethertype: 0x1212}, queues: 1}]", "CFG-STEER-01",
       "alone"},
      {"[{match: {}, queues: 1}]", "CFG-STEER-01", "wants proto and dst_port"},
      {"[{match: {proto: sctp, dst_port: 1}, queues: 1}]", "CFG-VALUE-01", "one of udp"},
      {"[{match: {ip_protocol: 1}, queues: all}]", "CFG-VALUE-01", "steer[0].queues wants"},
      {"[{match: {ip_protocol: 1}, queues: 1}, {match: {ip_protocol: 1}, queues: 2}]",
       "CFG-LIST-01", "two rules for {ip_protocol: 1}"},
  };
  for (const Wrong& one : kWrong) {
    const std::string problems = problems_of_steer(one.value);
    EXPECT_NE(problems.find(one.code), std::string::npos) << one.value << "\n" << problems;
    EXPECT_NE(problems.find(one.words), std::string::npos) << one.value << "\n" << problems;
  }
}

TEST(Steering, EveryWrongRuleIsToldAtOnce) {
  const std::string problems = problems_of_steer("[5, {match: {}, queues: 1}]");
  EXPECT_NE(problems.find("steer[0]"), std::string::npos) << problems;
  EXPECT_NE(problems.find("steer[1]"), std::string::npos) << problems;
}

std::string problems_of_interface(const std::string& keys) {
  return problems_of("version: 1\ninterfaces: [{name: eth0, " + keys + "}]\n");
}

TEST(NicSettings, QueuesAreAmongTheChannels) {
  EXPECT_EQ(problems_of_interface("channels: 4, queues: 0-3"), "");
  const std::string queues = problems_of_interface("channels: 4, queues: [0, 4]");
  EXPECT_NE(queues.find("CFG-CHANNEL-01"), std::string::npos) << queues;
  EXPECT_NE(queues.find("interfaces[0].queues names queue 4"), std::string::npos) << queues;
  const std::string steer =
      problems_of_interface("channels: 4, steer: [{match: {ip_protocol: 1}, queues: 9}]");
  EXPECT_NE(steer.find("interfaces[0].steer names queue 9"), std::string::npos) << steer;
}

TEST(NicSettings, TelemetryIsNotSteeredWhereNobodyReads) {
  const std::string wrong =
      problems_of_interface("queues: [0, 1], steer: [{match: {ethertype: 0x1212}, queues: 2}]");
  EXPECT_NE(wrong.find("CFG-STEER-02"), std::string::npos) << wrong;
  EXPECT_NE(wrong.find("telemetry ({ethertype: 0x1212}) on queue 2"), std::string::npos) << wrong;
  // Other traffic may well go there.
  EXPECT_EQ(problems_of_interface(
                "queues: [0, 1], steer: [{match: {proto: tcp, dst_port: 22}, queues: 2}]"),
            "");
  EXPECT_EQ(problems_of_interface("steer: [{match: {ethertype: 0x1212}, queues: 2}]"), "");
}

TEST(NicSettings, TheOtherSidesNicIsLeftAsItIsUnlessListed) {
  const std::string both =
      "version: 1\nrole: forward\nforward: {to: veth0}\n"
      "interfaces: [{name: eth0, channels: 4, rss: served}";
  EXPECT_EQ(config_of(both + "]\n").host_side().settings.channels, 0U);
  EXPECT_EQ(config_of(both + ", {name: veth0, channels: 2}]\n").host_side().settings.channels, 2U);
}

}  // namespace
}  // namespace valinor::app
