// What users read when a configuration is wrong, word by word.

#include "app/config_texts.hpp"

namespace valinor::app {
namespace {

TEST(ConfigProblem, UnknownKeyNamesTheNearOne) {
  EXPECT_EQ(problems_of("version: 1\ninterfaces:\n  - name: eth0\n    queus: [0, 1]\n"),
            R"(error[CFG-KEY-02]: t.yaml:4:5: unknown key 'queus' in interfaces[0]
    4 |     queus: [0, 1]
      |     ^~~~~ did you mean 'queues'?
)");
}

TEST(ConfigProblem, UnknownKeyOfAnotherSectionNamesItsPlace) {
  EXPECT_EQ(problems_of(with_interface("max_hops: 3\n")),
            R"(error[CFG-KEY-02]: t.yaml:3:1: unknown key 'max_hops'
    3 | max_hops: 3
      | ^~~~~~~~ did you mean 'telemetry.max_hops'?
)");
}

TEST(ConfigProblem, UnknownKeyWithNothingNearHasNoHint) {
  EXPECT_EQ(problems_of(with_interface("kafka: {}\n")),
            R"(error[CFG-KEY-02]: t.yaml:3:1: unknown key 'kafka'
    3 | kafka: {}
      | ^~~~~
)");
}

TEST(ConfigProblem, MissingSpaceBehindAColonIsSeen) {
  EXPECT_EQ(problems_of("version: 1\ninterfaces: [{name: eth0, rings: {rx:2048}}]\n"),
            R"(error[CFG-KEY-02]: t.yaml:2:35: unknown key 'rx:2048' in interfaces[0].rings
    2 | interfaces: [{name: eth0, rings: {rx:2048}}]
      |                                   ^~~~~~~ a space is missing behind 'rx:'
)");
}

TEST(ConfigProblem, DuplicateKeyNamesBothPlaces) {
  EXPECT_EQ(problems_of(with_interface("run:\n  key: 1\n  key: 2\n")),
            R"(error[CFG-KEY-03]: t.yaml:5:3: key 'key' is set twice in run
    5 |   key: 2
      |   ^~~ first set at t.yaml:4:3
)");
}

TEST(ConfigProblem, NumberThatIsNone) {
  EXPECT_EQ(problems_of(with_interface("run: {key: seven}\n")),
            "error[CFG-VALUE-01]: t.yaml:3:12: run.key wants a whole number from 0 to 4294967295, "
            "got 'seven'\n"
            "    3 | run: {key: seven}\n"
            "      |            ^~~~~\n");
}

TEST(ConfigProblem, RangeComesWithItsUnit) {
  EXPECT_EQ(
      problems_of(with_interface("telemetry: {max_hops: 65}\n")),
      R"(error[CFG-RANGE-01]: t.yaml:3:23: telemetry.max_hops wants a whole number from 1 to 64 hops, got '65'
    3 | telemetry: {max_hops: 65}
      |                       ^~
)");
}

TEST(ConfigProblem, PowerOfTwoNamesItsNeighbours) {
  EXPECT_EQ(
      problems_of("version: 1\ninterfaces:\n- name: a\n  rings: {tx: 1000}\n"),
      R"(error[CFG-RANGE-01]: t.yaml:4:15: interfaces[0].rings.tx wants a power of two from 64 to 65536 entries, got '1000'
    4 |   rings: {tx: 1000}
      |               ^~~~ its neighbours are 512 and 1024
)");
}

TEST(ConfigProblem, TimeWithoutUnit) {
  EXPECT_EQ(
      problems_of(with_interface("observe:\n  stats_interval: 5\n")),
      R"(error[CFG-VALUE-01]: t.yaml:4:19: observe.stats_interval wants a time from 100ms to 1h, got '5'
    4 |   stats_interval: 5
      |                   ^ a time needs a unit: 10us 5ms 2s 1h
)");
}

TEST(ConfigProblem, ChoiceNamesTheNearOne) {
  EXPECT_EQ(
      problems_of(with_interface("role: reflct\n")),
      R"(error[CFG-VALUE-01]: t.yaml:3:7: role wants one of collect, reflect, forward, sink, transit, source, host, got 'reflct'
    3 | role: reflct
      |       ^~~~~~ did you mean 'reflect'?
)");
}

TEST(ConfigProblem, ValueThatIsLeftOutPointsAtItsKey) {
  EXPECT_EQ(
      problems_of(with_interface("role:\nrun: {}\n")),
      R"(error[CFG-TYPE-01]: t.yaml:3:1: role wants one of collect, reflect, forward, sink, transit, source, host, got nothing
    3 | role:
      | ^~~~
)");
}

TEST(ConfigProblem, ListWhereAMapBelongs) {
  EXPECT_EQ(problems_of(with_interface("run: [1]\n")),
            R"(error[CFG-TYPE-01]: t.yaml:3:6: run wants keys and values below it
    3 | run: [1]
      |      ^
)");
}

TEST(ConfigProblem, OneNumberWhereAListBelongs) {
  EXPECT_EQ(
      problems_of(with_interface("telemetry: {match: {udp_dst_ports: 5000}}\n")),
      R"(error[CFG-TYPE-01]: t.yaml:3:36: telemetry.match.udp_dst_ports wants a list of at most 16 ports from 1 to 65535, got text
    3 | telemetry: {match: {udp_dst_ports: 5000}}
      |                                    ^~~~ write [5000]
)");
}

TEST(ConfigProblem, ListedTwice) {
  EXPECT_EQ(problems_of("version: 1\ninterfaces: [{name: a, queues: [0, 2, 0]}]\n"),
            R"(error[CFG-LIST-01]: t.yaml:2:39: interfaces[0].queues lists 0 twice
    2 | interfaces: [{name: a, queues: [0, 2, 0]}]
      |                                       ^
)");
}

TEST(ConfigProblem, TooManyEthertypes) {
  EXPECT_EQ(
      problems_of(with_interface(
          "telemetry: {match: {ethertypes: [1600,1601,1602,1603,1604,1605,1606,1607,1608]}}\n")),
      R"(error[CFG-RANGE-02]: t.yaml:3:33: telemetry.match.ethertypes wants a list of at most 8 Ethernet types from 0x600 to 0xffff, got 9 of them
    3 | telemetry: {match: {ethertypes: [1600,1601,1602,1603,1604,1605,1606,1607,1608]}}
      |                                 ^
)");
}

TEST(ConfigProblem, MissingKeys) {
  EXPECT_EQ(problems_of("run: {key: 1}\n"),
            R"(error[CFG-KEY-01]: t.yaml: 'version' is missing: the file must say which form it has
  next: add the line  version: 1
error[CFG-KEY-01]: t.yaml: 'interfaces' is missing: at least one NIC is needed, or tap.interfaces
  next: add the line  interfaces: [{name: eth0}]
)");
  EXPECT_EQ(problems_of("version: 1\ninterfaces:\n  - mode: copy\n"),
            R"(error[CFG-KEY-01]: t.yaml:3:5: 'name' is missing in interfaces[0]
    3 |   - mode: copy
      |     ^~~~
)");
  EXPECT_EQ(
      problems_of("version: 1\ninterfaces: []\n"),
      R"(error[CFG-KEY-01]: t.yaml:2:1: interfaces is empty; at least one NIC is needed, or tap.interfaces
    2 | interfaces: []
      | ^~~~~~~~~~
)");
}

TEST(ConfigProblem, VersionOfAnotherForm) {
  EXPECT_EQ(problems_of("version: 2\ninterfaces: [{name: a}]\n"),
            R"(error[CFG-RANGE-01]: t.yaml:1:10: version wants 1, got '2'
    1 | version: 2
      |          ^
)");
}

TEST(ConfigProblem, TooFewFramesForTheRings) {
  EXPECT_EQ(
      problems_of("version: 1\ninterfaces: [{name: a, umem: {frames: 4096}}]\n"),
      R"(error[CFG-UMEM-01]: t.yaml:2:31: interfaces[0].umem.frames is 4096, but the rings hold 8192 (rx 2048 + fill 4096 + tx 2048) and would run dry
    2 | interfaces: [{name: a, umem: {frames: 4096}}]
      |                               ^~~~~~
  next: umem: {frames: 8192}, or smaller rings
)");
}

TEST(ConfigProblem, SameInterfaceTwice) {
  EXPECT_EQ(problems_of("version: 1\ninterfaces:\n  - name: a\n  - name: b\n  - name: a\n"),
            R"(error[CFG-IFACE-01]: t.yaml:5:5: interfaces[2] is 'a' again
    5 |   - name: a
      |     ^~~~ first given at t.yaml:3:5
)");
}

TEST(ConfigProblem, NothingToMatch) {
  EXPECT_EQ(
      problems_of(with_interface("telemetry:\n  match: {ethertypes: [], ip_protocols: []}\n")),
      R"(error[CFG-MATCH-01]: t.yaml:4:11: telemetry.match matches nothing, so no packet would ever be taken
    4 |   match: {ethertypes: [], ip_protocols: []}
      |           ^~~~~~~~~~
  next: give at least one ethertype, IP protocol, UDP port or DSCP
)");
}

TEST(ConfigProblem, AFilterOnTheNicThatTheRestContradicts) {
  const auto code_of = [](const char* interface, const char* rest) {
    const std::string text = problems_of("version: 1\ninterfaces: [{name: eth0, " +
                                         std::string{interface} + "}]\n" + rest);
    return text.substr(0, text.find(']') + 1);
  };
  const std::string refused = "error[CFG-OFFLOAD-01]";
  EXPECT_EQ(code_of("mode: offload", ""), refused);
  EXPECT_EQ(code_of("mode: offload", "other: kernel\n"), refused);
  EXPECT_EQ(code_of("mode: offload, offload_sample: 9", "other: drop\n"), refused);
  EXPECT_EQ(code_of("mode: offload, offload_sample: 1", "other: kernel\n"), refused);
  EXPECT_EQ(code_of("mode: auto, offload_sample: 9", ""), refused);
  EXPECT_EQ(code_of("mode: offload", "other: drop\n"), "");
  EXPECT_EQ(code_of("mode: offload, offload_sample: 9", "other: kernel\n"), "");
}

TEST(ConfigProblem, BackoffThatStartsAboveItsEnd) {
  EXPECT_EQ(
      problems_of(with_interface("export: {redis: {backoff: {initial: 10s}}}\n")),
      R"(error[CFG-REDIS-01]: t.yaml:3:28: export.redis.backoff.initial (10s) is longer than export.redis.backoff.max (5s)
    3 | export: {redis: {backoff: {initial: 10s}}}
      |                            ^~~~~~~
)");
}

TEST(ConfigProblem, NoTimeOfArrivalWhereOnlyTheSwitchsIsTaken) {
  EXPECT_EQ(
      problems_of(with_interface("timestamp: {source: switch, record: nic}\n")),
      R"(error[CFG-TIME-01]: t.yaml:3:29: timestamp.source: switch, but timestamp.record: nic stores the time at which packets arrived here
    3 | timestamp: {source: switch, record: nic}
      |                             ^~~~~~
  next: timestamp.record: switch    or another timestamp.source
)");
  EXPECT_EQ(problems_of(with_interface("timestamp: {source: switch}\n")), "");
  EXPECT_EQ(problems_of(with_interface("timestamp: {record: nic}\n")), "");
}

TEST(ConfigProblem, PasswordsAreNotRepeated) {
  const std::string text =
      problems_of(with_interface("export: {redis: {url: 'redis://u:secret@h', enabled: 1}}\n"));
  EXPECT_EQ(text.find("secret"), std::string::npos) << text;
  EXPECT_NE(text.find("redis://********@h"), std::string::npos) << text;
  const std::string option = problems_of_set("export.redis.url", "redis://u:secret@h");
  EXPECT_EQ(option.find("secret"), std::string::npos) << option;
}

TEST(ConfigProblem, NeitherIsWhatFollowsTheWord) {
  for (const char* line : {"password: hunter2", "password: 'hunter2'", "'password': hunter2",
                           "sentinel-password:   hunter2, url: 3"}) {
    const std::string text =
        problems_of(with_interface("export: {redis: {" + std::string{line} + "}}\n"));
    EXPECT_NE(text.find("CFG-KEY-02"), std::string::npos) << text;
    EXPECT_EQ(text.find("hunter2"), std::string::npos) << text;
  }
  const std::string option = problems_of_set("export.redis.password", "hunter2");
  EXPECT_EQ(option.find("hunter2"), std::string::npos) << option;
  EXPECT_NE(option.find("password_file"), std::string::npos) << option;
}

TEST(ConfigProblem, WaysToRedisThatContradictEachOther) {
  const auto refused = [](const std::string& redis) {
    const std::string text = problems_of(with_interface("export: {redis: {" + redis + "}}\n"));
    return text.find("CFG-REDIS-02") != std::string::npos;
  };
  const char* const bad[]{
      "tls: {ca: /a}",
      "url: 'redis://h', tls: {verify: false}",
      "url: 'rediss://h', tls: {cert: /c}",
      "url: 'rediss://h', tls: {key: /k}",
      "url: 'redis://a@h', username: b",
      "sentinel: {master: m}",
      "sentinel: {hosts: [h]}",
      "sentinel: {master: m, hosts: [h]}, cluster: true",
      "url: 'redis://h', sentinel: {master: m, hosts: [h]}, endpoints: ['redis://i']",
      "url: 'unix:///r.sock', sentinel: {master: m, hosts: [h]}",
      "url: 'redis://h/1', cluster: true",
      "endpoints: ['redis://i']",
      "url: 'redis://h', endpoints: ['redis://h']",
      "url: 'redis://h', endpoints: ['rediss://i']",
      "url: 'redis://u@h', endpoints: ['redis://i']",
      "url: 'redis://h/2', metadata_db: 2",
      "url: 'redis://h', endpoints: ['redis://h/2'], metadata_db: 2",
  };
  for (const char* redis : bad) EXPECT_TRUE(refused(redis)) << redis;
  const char* const good[]{
      "url: 'rediss://a@h', username: a, tls: {ca: /a, cert: /c, key: /k}",
      "url: 'rediss://h/2', sentinel: {master: m, hosts: [h]}",
      "url: 'redis://h/1', endpoints: ['redis://i/1', 'redis://h/2']",
      "url: 'redis://h', endpoints: ['redis://i'], cluster: true, shards: 3",
      "url: 'redis://h/2', metadata_db: 1",
      "url: 'redis://h/0', metadata_db: none",
  };
  for (const char* redis : good) {
    EXPECT_EQ(problems_of(with_interface("export: {redis: {" + std::string{redis} + "}}\n")), "");
  }
}

TEST(ConfigProblem, ListsOfServers) {
  const auto code = [](const std::string& redis) {
    const std::string text = problems_of(with_interface("export: {redis: {" + redis + "}}\n"));
    return text.substr(0, text.find(']') + 1);
  };
  EXPECT_EQ(code("endpoints: redis://h"), "error[CFG-TYPE-01]");
  EXPECT_EQ(code("endpoints: [[a]]"), "error[CFG-TYPE-01]");
  EXPECT_EQ(code("endpoints: [h]"), "error[CFG-VALUE-01]");
  EXPECT_EQ(code("endpoints: ['redis://h', 'redis://h/0']"), "error[CFG-LIST-01]");
  EXPECT_EQ(code("sentinel: {hosts: ['a/b']}"), "error[CFG-VALUE-01]");
  EXPECT_EQ(code("sentinel: {hosts: ['h:0']}"), "error[CFG-VALUE-01]");
  const std::string secret = problems_of(
      with_interface("export: {redis: {url: 'redis://h', endpoints: ['redis://u:secret@h']}}\n"));
  EXPECT_NE(secret, "");
  EXPECT_EQ(secret.find("secret"), std::string::npos) << secret;
}

TEST(ConfigProblem, AllOfAFileInOnePassInTheOrderOfLines) {
  EXPECT_EQ(
      problems_of(R"(version: 1
interfaces:
  - name: eth0
    mode: zercopy
    cpus: [1, x, -1]
rol: collect
run: {duration: 1d}
)"),
      R"(error[CFG-VALUE-01]: t.yaml:4:11: interfaces[0].mode wants one of auto, zerocopy, copy, skb, offload, got 'zercopy'
    4 |     mode: zercopy
      |           ^~~~~~~ did you mean 'zerocopy'?
error[CFG-VALUE-01]: t.yaml:5:15: interfaces[0].cpus wants auto, or CPU numbers up to 4095 such as 0-3 or [0, 2, 5], got 'x' in it
    5 |     cpus: [1, x, -1]
      |               ^
error[CFG-RANGE-01]: t.yaml:5:18: interfaces[0].cpus wants auto, or CPU numbers up to 4095 such as 0-3 or [0, 2, 5], got '-1' in it
    5 |     cpus: [1, x, -1]
      |                  ^~
error[CFG-KEY-02]: t.yaml:6:1: unknown key 'rol'
    6 | rol: collect
      | ^~~ did you mean 'role'?
error[CFG-VALUE-01]: t.yaml:7:17: run.duration wants a time from 0s to 8760h, got '1d'
    7 | run: {duration: 1d}
      |                 ^~ a time needs a unit: 10us 5ms 2s 1h
)");
}

TEST(ConfigProblem, OptionsAreQuotedAsTyped) {
  EXPECT_EQ(problems_of_set("run.key", "seven"),
            "error[CFG-VALUE-01]: --set: run.key wants a whole number from 0 to 4294967295, got "
            "'seven'\n"
            "      | --set run.key=seven\n"
            "      |               ^~~~~\n");
  EXPECT_EQ(problems_of_set("interfaces[0].mod", "copy"),
            R"(error[CFG-KEY-02]: --set: unknown key 'interfaces[0].mod'
      | --set interfaces[0].mod=copy
      |       ^~~~~~~~~~~~~~~~~ did you mean 'interfaces[0].mode'?
)");
  EXPECT_EQ(
      problems_of_set("interfaces[2].mode", "copy"),
      R"(error[CFG-KEY-02]: --set: there is no interfaces[2]; the next one would be interfaces[1]
      | --set interfaces[2].mode=copy
      |       ^~~~~~~~~~~~~~~~~~
)");
  EXPECT_EQ(problems_of(with_interface(""), {{}, {{"--duration", "run.duration", "5"}}}),
            R"(error[CFG-VALUE-01]: --duration: run.duration wants a time from 0s to 8760h, got '5'
      | --duration 5
      |            ^ a time needs a unit: 10us 5ms 2s 1h
)");
}

TEST(ConfigProblem, HintsForOptionsCanBeTypedAsTheyStand) {
  for (const auto& [path, hint] : {
           std::pair{"interfaces.queues", "interfaces[0].queues"},
           std::pair{"interfaces.0.queues", "interfaces[0].queues"},
           std::pair{"interfaces[].queues", "interfaces[0].queues"},
           std::pair{"interfaces[3].queus", "interfaces[3].queues"},
           std::pair{"queues", "interfaces[0].queues"},
           std::pair{"umem.frames", "interfaces[0].umem.frames"},
           std::pair{"run[0].key", "run.key"},
       }) {
    const std::string text = problems_of_set(path, "1");
    EXPECT_NE(text.find("did you mean '" + std::string{hint} + "'?"), std::string::npos) << text;
  }
}

TEST(ConfigProblem, ColumnsOfTheCaretCountCharacters) {
  EXPECT_EQ(problems_of(with_interface("run: {name: \"gr\xc3\xbc\xc3\x9f\", kye: 1}\n")),
            "error[CFG-KEY-02]: t.yaml:3:23: unknown key 'kye' in run\n"
            "    3 | run: {name: \"gr\xc3\xbc\xc3\x9f\", kye: 1}\n"
            "      |                     ^~~ did you mean 'key'?\n");
}

}  // namespace
}  // namespace valinor::app
