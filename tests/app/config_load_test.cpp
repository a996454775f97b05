// Layers of configuration, their origins, and the two files that are shipped.

#include "app/config_load.hpp"

#include <algorithm>
#include <fstream>
#include <sstream>
#include <string>

#include "app/config_show.hpp"
#include "app/config_texts.hpp"
#include "app/config_value.hpp"
#include "app/schema.hpp"

namespace valinor::app {
namespace {

const std::string kConf = VALINOR_CONF;  // the folder conf/

class TemporaryFile {
 public:
  TemporaryFile(const std::string& name, std::string_view text)
      : path_{::testing::TempDir() + "valinor_config_load_" + name} {
    std::ofstream{path_} << text;
  }
  ~TemporaryFile() { std::remove(path_.c_str()); }
  TemporaryFile(const TemporaryFile&) = delete;
  TemporaryFile& operator=(const TemporaryFile&) = delete;

  [[nodiscard]] const std::string& path() const { return path_; }

 private:
  std::string path_;
};

TEST(ConfigLoad, LaterFilesWinKeyByKey) {
  const TemporaryFile first{"a.yaml",
                            "version: 1\nrun: {key: 1, name: one}\n"
                            "interfaces: [{name: eth0}, {name: eth1, mode: copy}]\n"};
  const TemporaryFile second{"b.yaml", "run: {key: 2}\ninterfaces: [{name: eth2}]\n"};
  const auto loaded = load_config({{first.path(), second.path()}, {}});
  ASSERT_TRUE(loaded) << to_text(loaded.error());
  EXPECT_EQ(loaded->config.exporter.key, 2U);
  EXPECT_EQ(loaded->config.run.name, "one");
  ASSERT_EQ(loaded->config.interfaces.size(), 1U) << "lists are replaced as a whole";
  EXPECT_EQ(loaded->config.interfaces[0].name, "eth2");
  EXPECT_EQ(loaded->config.interfaces[0].mode, packet_io::afxdp::Mode::automatic);
  EXPECT_EQ(loaded->origins.at("run.key"), second.path() + ":1");
  EXPECT_EQ(loaded->origins.at("run.name"), first.path() + ":2");
  EXPECT_FALSE(loaded->origins.contains("interfaces[1].mode"));
}

TEST(ConfigLoad, OptionsWinOverFilesAndTheLastOptionWins) {
  const auto loaded = load_config_text(with_interface("run: {key: 1}\n"), "t.yaml",
                                       {{},
                                        {{"--set", "run.key", "2"},
                                         {"--set", "run.key", "3"},
                                         {"--set", "interfaces[0].mode", "copy"},
                                         {"--set", "interfaces[1].name", "eth1"},
                                         {"--set", "run.name", "a: b # c"}}});
  ASSERT_TRUE(loaded) << to_text(loaded.error());
  EXPECT_EQ(loaded->config.exporter.key, 3U);
  EXPECT_EQ(loaded->config.interfaces.at(0).mode, packet_io::afxdp::Mode::copy);
  EXPECT_EQ(loaded->config.interfaces.at(1).name, "eth1");
  EXPECT_EQ(loaded->config.run.name, "a: b # c") << "text is taken as it is";
  EXPECT_EQ(loaded->origins.at("interfaces[0].mode"), "--set");
  EXPECT_EQ(loaded->origins.at("interfaces[0].name"), "t.yaml:2");
}

TEST(ConfigLoad, OptionsAloneAreEnough) {
  const auto loaded = load_config({{}, {{"--set", "interfaces", "[{name: eth0}]"}}});
  ASSERT_TRUE(loaded) << to_text(loaded.error());
  EXPECT_EQ(loaded->config.interfaces.at(0).name, "eth0");
}

TEST(ConfigLoad, ReplayNeedsNoInterfaces) {
  EXPECT_FALSE(load_config({}));
  EXPECT_TRUE(load_config({{}, {}, false}));
  EXPECT_TRUE(load_config_text("version: 1\n", "t.yaml", {{}, {}, false}));
}

TEST(ConfigLoad, AWrongValueIsNotBlamedOnItsNeighboursToo) {
  const std::string problems = problems_of(
      "version: 1\ninterfaces: [{name: a, umem: {frames: x}, "
      "rings: {rx: 65536}}]\n");
  EXPECT_EQ(problems.find("CFG-UMEM-01"), std::string::npos) << problems;
}

TEST(ConfigLoad, SectionsMayBeEmpty) {
  EXPECT_EQ(problems_of(with_interface("run:\n#  key: 1\ntelemetry: {match: }\n")), "");
}

TEST(ConfigLoad, EffectivePrintTellsOrigins) {
  const auto loaded = load_config_text(with_interface("role: reflect\n"), "t.yaml",
                                       {{}, {{"--key", "run.key", "7"}}});
  ASSERT_TRUE(loaded);
  const std::string text = print_effective(*loaded);
  EXPECT_EQ(text.substr(0, text.find("    umem:")),
            R"(version: 1                                      # t.yaml:1
run:
  key: 7                                        # --key
  name: ""                                      # default
  duration: 0s                                  # default
  expected_rate: 0                              # default
  on_existing: refuse                           # default
interfaces:
  - name: "eth0"                                # t.yaml:2
    queues: all                                 # default
    mode: auto                                  # default
    offload_sample: 0                           # default
    cpus: auto                                  # default
    takeover: false                             # default
    promiscuous: false                          # default
)");
  EXPECT_NE(text.find("role: reflect                                   # t.yaml:3\n"),
            std::string::npos);
}

TEST(ConfigLoad, DefaultPlaceOfTheCatalogueMakesWayForRecords) {
  const auto place_of = [](const std::string& redis) {
    const auto loaded =
        load_config_text(with_interface("export: {redis: {" + redis + "}}\n"), "t.yaml");
    return loaded ? loaded->config.exporter.redis.metadata_db : std::uint32_t{99};
  };
  EXPECT_EQ(place_of("url: 'redis://h/0'"), 1u);
  EXPECT_EQ(place_of("url: 'redis://h/1'"), 0u);
  EXPECT_EQ(place_of("url: 'redis://h', endpoints: ['redis://h/1']"), 0u);
  EXPECT_EQ(place_of("url: 'redis://h/1', metadata_db: 2"), 2u);
}

TEST(ConfigLoad, EffectivePrintLoadsToTheSame) {
  const auto loaded = load_config_text(
      "version: 1\nrun: {name: 'say \"hi\" \\ # : x'}\n"
      "interfaces: [{name: a, queues: 0-3}, {name: b, cpus: [1, 1], "
      "steer: [{match: {proto: tcp, dst_port: 22}, queues: 1}]}]\n"
      "telemetry: {match: {dscp: 1/1}}\nexport: {redis: {url: 'unix:///a,b#c?db=2'}}\n",
      "t.yaml");
  ASSERT_TRUE(loaded) << to_text(loaded.error());
  const auto again = load_config_text(print_effective(*loaded), "again");
  ASSERT_TRUE(again) << to_text(again.error());
  for (const SchemaKey& key : schema()) {
    for (std::size_t i = 0; i < 2; ++i) {
      EXPECT_EQ(to_text(key, key.get(loaded->config, i)), to_text(key, key.get(again->config, i)))
          << key.path;
    }
  }
}

TEST(Schema, DefaultsAreThoseOfTheStructs) {
  Config config;
  config.interfaces.emplace_back();
  for (const SchemaKey& key : schema()) {
    EXPECT_FALSE(key.doc.empty()) << key.path;
    if (!key.required()) {
      EXPECT_EQ(to_text(key, key.get(config, 0)), key.default_text) << key.path;
    }
  }
}

TEST(NicYaml, HasEveryKeyOfTheTableWithItsDefault) {
  const std::string path = kConf + "/nic.yaml";
  const auto loaded = load_config({{path}, {}});
  ASSERT_TRUE(loaded) << to_text(loaded.error());  // a key that the table lacks is an error
  ASSERT_EQ(loaded->config.interfaces.size(), 1U);

  std::vector<std::string> lines{""};
  std::ifstream file{path};
  for (std::string line; std::getline(file, line);) lines.push_back(line);
  for (const SchemaKey& key : schema()) {
    std::string shown{key.path};
    if (const std::size_t at = shown.find("[]"); at != std::string::npos) shown.insert(at + 1, "0");
    ASSERT_TRUE(loaded->origins.contains(shown)) << shown << " is not in nic.yaml";
    if (!key.required()) {
      EXPECT_EQ(to_text(key, key.get(loaded->config, 0)), key.default_text) << shown;
    }
    const std::string& origin = loaded->origins.at(shown);
    const std::size_t line = std::stoul(origin.substr(origin.rfind(':') + 1));
    const std::string& before = lines.at(line - 1);
    const std::size_t text = before.find_first_not_of(' ');
    EXPECT_TRUE(text != std::string::npos && before[text] == '#')
        << shown << " has no comment above it in nic.yaml, line " << line;
  }
}

TEST(VethYaml, Loads) {
  const auto loaded = load_config({{kConf + "/veth.yaml"}, {}});
  ASSERT_TRUE(loaded) << to_text(loaded.error());
  EXPECT_EQ(loaded->config.interfaces.at(0).name, "veth-host");
  EXPECT_EQ(loaded->config.worker.role, pipeline::Role::reflect);
}

}  // namespace
}  // namespace valinor::app
