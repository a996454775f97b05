// All types of values and their units.

#include <chrono>

#include "app/config_suggest.hpp"
#include "app/config_texts.hpp"
#include "app/config_units.hpp"
#include "app/config_value.hpp"

namespace valinor::app {
namespace {

using namespace std::chrono_literals;

bool has_code(const std::string& problems, std::string_view code) {
  return problems.find(std::string{"error["}.append(code).append("]")) != std::string::npos;
}

TEST(ConfigUnits, NumbersAreDecimalOrHexadecimal) {
  EXPECT_EQ(parse_number("0").value(), 0U);
  EXPECT_EQ(parse_number("0x1212").value(), 0x1212U);
  EXPECT_EQ(parse_number("18446744073709551615").value(), ~std::uint64_t{0});
  EXPECT_TRUE(parse_number("18446744073709551616").error().too_large);
  EXPECT_TRUE(parse_number("-1").error().too_large);
  for (const char* text : {"", "-", "0x", "1.5", "1e3", "+1", " 1", "1 ", "1_000", "0b1", "0xg"}) {
    ASSERT_FALSE(parse_number(text)) << text;
    EXPECT_FALSE(parse_number(text).error().too_large) << text;
  }
  EXPECT_EQ(parse_number("010").error().hint, "leave out the leading zero");
}

TEST(ConfigUnits, SizesAreBinary) {
  EXPECT_EQ(parse_size("512").value(), 512U);
  EXPECT_EQ(parse_size("64KiB").value(), 65536U);
  EXPECT_EQ(parse_size("2MiB").value(), 2U << 20);
  EXPECT_EQ(parse_size("1GiB").value(), 1U << 30);
  EXPECT_EQ(parse_size("0x100").value(), 256U);
  EXPECT_FALSE(parse_size("1KB"));
  EXPECT_FALSE(parse_size("KiB"));
  EXPECT_TRUE(parse_size("99999999999TiB").error().too_large);
  EXPECT_EQ(format_size(3U << 20), "3MiB");
  EXPECT_EQ(format_size(1025), "1025");
}

TEST(ConfigUnits, TimesNeedAUnit) {
  EXPECT_EQ(parse_duration("10ns").value(), 10U);
  EXPECT_EQ(parse_duration("10us").value(), 10'000U);
  EXPECT_EQ(parse_duration("5ms").value(), 5'000'000U);
  EXPECT_EQ(parse_duration("2s").value(), 2'000'000'000U);
  EXPECT_EQ(parse_duration("3min").value(), 180'000'000'000U);
  EXPECT_EQ(parse_duration("1h").value(), 3'600'000'000'000U);
  EXPECT_EQ(parse_duration("0").value(), 0U);
  EXPECT_FALSE(parse_duration("5"));
  EXPECT_FALSE(parse_duration("5m"));
  EXPECT_EQ(format_duration(1'500'000), "1500us");
  EXPECT_EQ(format_duration(7'200'000'000'000), "2h");
}

TEST(ConfigValue, DefaultsAreThoseOfTheStructs) {
  const Config config = config_of(with_interface(""));
  EXPECT_EQ(config.interfaces.at(0).name, "eth0");
  EXPECT_EQ(config.interfaces[0].umem.frames, 8192U);
  EXPECT_EQ(config.worker.match, wire::MatchRules{});
  EXPECT_EQ(config.exporter.redis.address, exporter::RedisAddress{});
}

TEST(ConfigValue, SentinelsHaveAPortOfTheirOwn) {
  const Config config = config_of(with_interface(
      "export: {redis: {sentinel: {master: m, hosts: [a.lab, '10.0.0.1:6379', '[::1]:7']}}}\n"));
  const auto& sentinel = config.exporter.redis.sentinel;
  EXPECT_EQ(sentinel.master, "m");
  ASSERT_EQ(sentinel.hosts.size(), 3U);
  EXPECT_EQ(sentinel.hosts[0].to_host_and_port(), "a.lab:26379");
  EXPECT_EQ(sentinel.hosts[1].to_host_and_port(), "10.0.0.1:6379");
  EXPECT_EQ(sentinel.hosts[2].to_host_and_port(), "[::1]:7");
}

TEST(ConfigValue, EveryKeyLandsInItsField) {
  const Config config = config_of(R"(version: 1
run: {key: 0x10, name: "a b", duration: 90s}
interfaces:
  - name: eth0.7
    queues: "0-2,5"
    mode: skb
    cpus: [3, 3]
    umem: {frames: 1024, frame_size: 2048, hugepages: require}
    rings: {rx: 256, fill: 512, tx: 128, completion: 64}
    poll: {mode: busy, prefer_busy: true, budget: 32}
telemetry:
  match: {ethertypes: [0x88b5], ip_protocols: [], udp_dst_ports: [5000, 5900], dscp: 0x17/0x3f}
  p4netintel: {collect_size: 2}
  max_hops: 8
timestamp: {clock: monotonic}
role: reflect
export:
  redis:
    enabled: false
    url: rediss://u@r.lab:7000/3
    username: u
    password_file: /run/p
    tls: {ca: /a, cert: /c, key: /k, verify: false, server_name: n.lab}
    endpoints: [rediss://u@r.lab:7001/3, "rediss://u@[::1]"]
    shards: 5
    batch: {records: 7, interval: 9ms, in_flight: 3}
    timeouts: {connect: 20ms, command: 30ms}
    backoff: {initial: 40ms, max: 50ms}
  buffer: {memory: 2MiB}
observe: {log: {level: debug}, stats_interval: 250ms}
)");
  EXPECT_EQ(config.exporter.key, 16U);
  EXPECT_EQ(config.run.name, "a b");
  EXPECT_EQ(config.run.duration, 90s);
  const auto& interface = config.interfaces.at(0);
  EXPECT_EQ(interface.name, "eth0.7");
  EXPECT_EQ(interface.queues, (std::vector{QueueId{0}, QueueId{1}, QueueId{2}, QueueId{5}}));
  EXPECT_EQ(interface.mode, packet_io::afxdp::Mode::skb);
  EXPECT_EQ(interface.cpus, (std::vector{CpuId{3}, CpuId{3}}));
  EXPECT_EQ(interface.umem.frames, 1024U);
  EXPECT_EQ(interface.umem.frame_size, 2048U);
  EXPECT_EQ(interface.umem.huge_pages, packet_io::afxdp::HugePages::require);
  EXPECT_TRUE(interface.prefer_busy_poll);
  EXPECT_EQ(interface.busy_poll_budget, 32U);
  EXPECT_EQ(interface.rings.rx, 256U);
  EXPECT_EQ(interface.rings.fill, 512U);
  EXPECT_EQ(interface.rings.tx, 128U);
  EXPECT_EQ(interface.rings.completion, 64U);
  EXPECT_EQ(interface.poll, packet_io::afxdp::PollMode::busy);
  EXPECT_EQ(config.worker.match.ethertypes, std::vector<std::uint16_t>{0x88b5});
  EXPECT_TRUE(config.worker.match.ip_protocols.empty());
  EXPECT_EQ(config.worker.match.udp_dst_ports, (std::vector<std::uint16_t>{5000, 5900}));
  EXPECT_EQ(config.worker.match.dscp, (wire::DscpMatch{0x17, 0x3f}));
  EXPECT_EQ(config.worker.collect_size, 2);
  EXPECT_EQ(config.worker.max_hops, 8);
  EXPECT_EQ(config.clock, clock::ClockName::monotonic);
  EXPECT_EQ(config.worker.role, pipeline::Role::reflect);
  EXPECT_FALSE(config.exporter.redis.enabled);
  EXPECT_EQ(config.exporter.redis.address.to_url(), "rediss://u@r.lab:7000/3");
  EXPECT_EQ(config.exporter.redis.username, "u");
  EXPECT_EQ(config.exporter.redis.password_file, "/run/p");
  EXPECT_EQ(config.exporter.redis.tls,
            (exporter::RedisTlsConfig{"/a", "/c", "/k", false, "n.lab"}));
  ASSERT_EQ(config.exporter.redis.endpoints.size(), 2U);
  EXPECT_EQ(config.exporter.redis.endpoints[1].to_url(), "rediss://u@[::1]:6379/0");
  EXPECT_FALSE(config.exporter.redis.cluster);
  EXPECT_EQ(config.exporter.redis.shards, 5U);
  EXPECT_EQ(config.exporter.redis.batch_records, 7U);
  EXPECT_EQ(config.exporter.batch_interval, 9ms);
  EXPECT_EQ(config.exporter.redis.in_flight, 3U);
  EXPECT_EQ(config.exporter.redis.connect_timeout, 20ms);
  EXPECT_EQ(config.exporter.redis.command_timeout, 30ms);
  EXPECT_EQ(config.exporter.redis.backoff_initial, 40ms);
  EXPECT_EQ(config.exporter.redis.backoff_max, 50ms);
  EXPECT_EQ(config.exporter.memory_bytes, 2U << 20);
  EXPECT_EQ(config.observe.log_level, log::Level::debug);
  EXPECT_EQ(config.observe.stats_interval, 250ms);
}

TEST(ConfigValue, QueuesInEveryForm) {
  const auto queues = [](std::string value) {
    std::vector<std::uint32_t> out;
    const Config config = config_of_set("interfaces[0].queues", std::move(value));
    for (const QueueId queue : config.interfaces.at(0).queues) out.push_back(queue.value());
    return out;
  };
  using List = std::vector<std::uint32_t>;
  EXPECT_EQ(queues("all"), List{});
  EXPECT_EQ(queues("0-3"), (List{0, 1, 2, 3}));
  EXPECT_EQ(queues("0,2"), (List{0, 2}));
  EXPECT_EQ(queues("[0, 2, 5]"), (List{0, 2, 5}));
  EXPECT_EQ(queues("7"), List{7});
  for (const char* bad : {"3-1", "0-", "-1", "0,,1", "al", "0-1024", "0-4294967295", "", "{}"}) {
    EXPECT_NE(problems_of_set("interfaces[0].queues", bad), "") << bad;
  }
  EXPECT_TRUE(has_code(problems_of_set("interfaces[0].queues", "0-2,1"), "CFG-LIST-01"));
  EXPECT_TRUE(has_code(problems_of_set("interfaces[0].queues", "[]"), "CFG-VALUE-01"));
}

TEST(ConfigValue, Dscp) {
  const auto dscp = [](std::string value) {
    return config_of_set("telemetry.match.dscp", std::move(value)).worker.match.dscp;
  };
  EXPECT_EQ(dscp("null"), std::nullopt);
  EXPECT_EQ(dscp("46"), (wire::DscpMatch{46, 0x3f}));
  EXPECT_EQ(dscp("0x10/0x30"), (wire::DscpMatch{0x10, 0x30}));
  for (const char* bad : {"64", "0x1/0x40", "1/0", "0/0", "0x21/0x20", "1/", "/1", "x", "1/2/3"}) {
    EXPECT_NE(problems_of_set("telemetry.match.dscp", bad), "") << bad;
  }
}

TEST(ConfigValue, InterfaceNamesAsTheKernelAllowsThem) {
  EXPECT_EQ(config_of_set("interfaces[0].name", "abcdefghijklmno").interfaces[0].name.size(), 15U);
  for (const char* bad : {"", ".", "..", "a/b", "a b", "a:1", "abcdefghijklmnop"}) {
    EXPECT_TRUE(has_code(problems_of_set("interfaces[0].name", bad), "CFG-VALUE-01")) << bad;
  }
}

TEST(ConfigValue, BooleansAreTrueAndFalseOnly) {
  for (const char* bad : {"yes", "on", "1", "True", "null", "[]"}) {
    EXPECT_NE(problems_of_set("export.redis.enabled", bad), "") << bad;
  }
}

TEST(ConfigValue, ListsOfWords) {
  const auto config = [](const char* value) {
    return config_of_set("security.keep_caps", value).security.keep_caps;
  };
  EXPECT_EQ(config("[bpf, net_raw]"), (std::vector{Capability::bpf, Capability::net_raw}));
  EXPECT_TRUE(config("[]").empty());
  const auto problems = [](const char* value) {
    return problems_of_set("security.keep_caps", value);
  };
  EXPECT_TRUE(has_code(problems("[net_rwa]"), "CFG-VALUE-01"));
  EXPECT_NE(problems("[net_rwa]").find("did you mean 'net_raw'?"), std::string::npos);
  EXPECT_NE(problems("[bpf, bpf]").find("security.keep_caps lists bpf twice"), std::string::npos);
  EXPECT_TRUE(has_code(problems("net_raw"), "CFG-TYPE-01"));
  EXPECT_NE(problems("net_raw").find("write [net_raw]"), std::string::npos);
}

TEST(ConfigValue, BoundsAreIncluded) {
  EXPECT_EQ(config_of_set("run.key", "4294967295").exporter.key, 4294967295U);
  EXPECT_TRUE(has_code(problems_of_set("run.key", "4294967296"), "CFG-RANGE-01"));
  EXPECT_TRUE(has_code(problems_of_set("run.key", "-1"), "CFG-RANGE-01"));
  EXPECT_TRUE(has_code(problems_of_set("export.redis.batch.interval", "0s"), "CFG-RANGE-01"));
  EXPECT_TRUE(has_code(problems_of_set("export.redis.batch.interval", "1500us"), "CFG-RANGE-01"));
  EXPECT_TRUE(has_code(problems_of_set("telemetry.match.ethertypes", "[0x5ff]"), "CFG-RANGE-01"));
  EXPECT_TRUE(has_code(problems_of_set("interfaces[0].umem.frame_size", "3000"), "CFG-RANGE-01"));
}

TEST(ConfigValue, AWordMayStandForANumberThatTheProgramChooses) {
  EXPECT_EQ(config_of_set("interfaces[0].umem.frame_size", "auto").interfaces[0].umem.frame_size,
            0U);
  EXPECT_TRUE(has_code(problems_of_set("interfaces[0].umem.frame_size", "0"), "CFG-RANGE-01"));
  EXPECT_TRUE(has_code(problems_of_set("interfaces[0].umem.frame_size", "any"), "CFG-VALUE-01"));
  EXPECT_TRUE(has_code(problems_of_set("interfaces[0].umem.frames", "auto"), "CFG-VALUE-01"));
  const SchemaKey& key = *find_key("interfaces[].umem.frame_size");
  EXPECT_EQ(to_text(key, Number{0}), "auto");
  EXPECT_EQ(wanted(key), "auto or a power of two from 2048 to 4096 bytes");
}

TEST(ConfigSuggest, CountsSwapsAsOne) {
  EXPECT_EQ(edit_distance("", "abc"), 3U);
  EXPECT_EQ(edit_distance("queus", "queues"), 1U);
  EXPECT_EQ(edit_distance("nmae", "name"), 1U);
  EXPECT_EQ(edit_distance("kitten", "sitting"), 3U);
}

TEST(ConfigSuggest, FarWordsAreNotSuggested) {
  const std::string_view known[] = {"rx", "tx", "completion"};
  EXPECT_EQ(nearest("completoin", known), "completion");
  EXPECT_EQ(nearest("something", known), "");
  EXPECT_EQ(nearest("", known), "");
  EXPECT_EQ(nearest(std::string(100'000, 'x'), known), "");
}

}  // namespace
}  // namespace valinor::app
