#include "packet_io/conformance/bed.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <sstream>
#include <stdexcept>
#include <string_view>
#include <thread>

#include "base/failure.hpp"
#include "packet_io/conformance/link.hpp"
#include "packet_io/conformance/traffic.hpp"

namespace valinor::packet_io::afxdp {
namespace {

/// What busy polling needs to keep interrupts away: empty polls before an interrupt is enabled
/// again, and nanoseconds after which a poll happens without us.
constexpr std::array kDeferral = {std::pair{"napi_defer_hard_irqs", "2"},
                                  std::pair{"gro_flush_timeout", "200000"}};

std::vector<std::string> words_of(const char* variable, const char* otherwise) {
  const char* given = std::getenv(variable);
  std::istringstream text{given == nullptr ? otherwise : given};
  std::vector<std::string> words;
  for (std::string word; std::getline(text, word, ',');) words.push_back(word);
  return words;
}

Mode mode_named(std::string_view name) {
  for (const Mode mode : {Mode::zerocopy, Mode::copy, Mode::skb}) {
    if (to_name(mode) == name) return mode;
  }
  throw std::invalid_argument{fmt::format("VALINOR_TEST_MODES: no mode '{}'", name)};
}

}  // namespace

std::vector<Setting> settings_to_test() {
  std::vector<Setting> settings;
  for (const auto& name : words_of("VALINOR_TEST_MODES", "copy,skb")) {
    for (const bool busy_poll : {false, true}) settings.push_back({mode_named(name), busy_poll});
  }
  return settings;
}

std::string name_of(const testing::TestParamInfo<Setting>& setting) {
  return std::string{to_name(setting.param.mode)} + (setting.param.busy_poll ? "BusyPoll" : "");
}

SocketWishes wishes_of(const InterfaceConfig& config) {
  return {.busy_poll_budget = config.prefer_busy_poll ? config.busy_poll_budget : 0};
}

void Side::wait() const noexcept {
  if (setting_.busy_poll) {
    std::this_thread::yield();
  } else {
    AfxdpPort::wait(std::array{&port_});
  }
}

End::End(const InterfaceConfig& config, Setting setting, const wire::MatchRules& rules,
         OtherTraffic other)
    : pools_{own_pools_},
      opened_{config, rules, other, pools_},
      side_{*opened_.ports()[0], setting} {}

End::End(const InterfaceConfig& config, Setting setting, FramePools& pools)
    : pools_{pools},
      opened_{config, {}, OtherTraffic::kernel, pools_},
      side_{*opened_.ports()[0], setting} {}

void ConformanceTest::SetUp() {
  if (::geteuid() != 0) GTEST_SKIP() << "network namespaces and XDP need root";
  const auto given = words_of("VALINOR_TEST_INTERFACES", "");
  if (given.empty()) {
    network_.emplace();
    test::VethPair{near_, far_, 1};
  } else {
    ASSERT_EQ(given.size(), 2U) << "VALINOR_TEST_INTERFACES wants two names: near,far";
    near_ = given[0], far_ = given[1];
    for (const auto& name : given) mtus_[name] = find_interface(name).mtu;
  }
  if (GetParam().busy_poll) defer_interrupts();
}

void ConformanceTest::make_veth_with_two_queues() const {
  test::run_command("ip link delete " + near_);
  test::VethPair{near_, far_, 2};
}

void ConformanceTest::defer_interrupts() {
  for (const auto& name : {near_, far_}) {
    for (const auto& [file, value] : kDeferral) {
      settings_[{name, file}] = read_setting(name, file);
      write_setting(name, file, value);
    }
  }
}

void ConformanceTest::TearDown() {
  for (const auto& [name, mtu] : mtus_) set_mtu(name, mtu);
  for (const auto& [where, value] : settings_) write_setting(where.first, where.second, value);
}

InterfaceConfig ConformanceTest::config_of(const std::string& interface) const {
  InterfaceConfig config;
  config.name = interface;
  config.queues = {QueueId{0}};
  config.mode = GetParam().mode;
  config.prefer_busy_poll = GetParam().busy_poll;
  config.umem = {.frames = 2048, .frame_size = 4096};
  config.rings = {.rx = 256, .fill = 512, .tx = 256, .completion = 512};
  return config;
}

End ConformanceTest::open(const std::string& interface) const {
  return End{config_of(interface), GetParam()};
}

}  // namespace valinor::packet_io::afxdp
