#include "packet_io/conformance/bed.hpp"

#include <fmt/format.h>
#include <poll.h>
#include <sys/socket.h>
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

/// Microseconds that one call may poll, and packets that one poll may take.
constexpr int kBusyPollUs = 20;
constexpr int kBusyPollBudget = 64;

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

void set_option(int fd, int option, int value, const char* name) {
  if (::setsockopt(fd, SOL_SOCKET, option, &value, sizeof value) != 0) {
    throw_errno(fmt::format("set {} of an AF_XDP socket", name));
  }
}

void prefer_busy_polling(int fd) {
  set_option(fd, SO_PREFER_BUSY_POLL, 1, "SO_PREFER_BUSY_POLL");
  set_option(fd, SO_BUSY_POLL, kBusyPollUs, "SO_BUSY_POLL");
  set_option(fd, SO_BUSY_POLL_BUDGET, kBusyPollBudget, "SO_BUSY_POLL_BUDGET");
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

Side::Side(AfxdpPort& port, Setting setting) : port_{port}, setting_{setting} {
  if (setting.busy_poll) prefer_busy_polling(port.fd());
}

void Side::turn() const noexcept {
  port_.flush();
  if (!setting_.busy_poll) return;
  ::recvfrom(port_.fd(), nullptr, 0, MSG_DONTWAIT, nullptr, nullptr);
  if (port_.is_zerocopy() && port_.waiting_to_leave() != 0) {
    // With preferred busy polling sendto(2) leaves sending to the NAPI that is polled: the queue's
    // for receiving. Drivers with another one for sending (virtio_net) are woken by poll(2) alone.
    pollfd source{port_.fd(), POLLOUT, 0};
    ::poll(&source, 1, 0);
  }
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
  config.umem = {.frames = 2048, .frame_size = 4096};
  config.rings = {.rx = 256, .fill = 512, .tx = 256, .completion = 512};
  return config;
}

End ConformanceTest::open(const std::string& interface) const {
  return End{config_of(interface), GetParam()};
}

}  // namespace valinor::packet_io::afxdp
