/// What the tap's tests share: a veth pair of their own, a tap whose records are kept, patience.
#pragma once

#include <gtest/gtest.h>
#include <unistd.h>

#include <chrono>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "support/netns.hpp"
#include "tap/egress_tap.hpp"

namespace valinor::tap {

/// "near" is tapped, "far" is the network and answers nothing. 10.9.0.2 is there.
class TapTest : public testing::Test {
 protected:
  void SetUp() override {
    if (::geteuid() != 0) GTEST_SKIP() << "network namespaces and BPF need root";
    network_.emplace();
    test::VethPair{"near", "far", 1};
    test::run_command("ip addr add 10.9.0.1/24 dev near");
    test::run_command("ip neigh add 10.9.0.2 lladdr 02:00:00:00:00:02 dev near");
  }

  static TapConfig near(AttachBy how = AttachBy::automatic, std::size_t ring_bytes = 1 << 20) {
    TapConfig config;
    config.interfaces = {"near"};
    config.attach = how;
    config.ring_bytes = ring_bytes;
    return config;
  }

  std::optional<test::NetworkNamespace> network_;
};

/// A tap and the records that it made.
struct Tapped {
  explicit Tapped(
      const TapConfig& config, EgressTap::Offset offset = [] { return Nanos{0}; })
      : tap{config, 7, ring, std::move(offset)} {
    tap.start();
  }

  /// Stops the tap; all records since its start.
  std::vector<telemetry::PacketRecord> stop() {
    tap.stop();
    std::vector<telemetry::PacketRecord> records;
    ring.read([&](const telemetry::RecordView& view) {
      records.push_back(view.packet);
      return true;
    });
    ring.release();
    return records;
  }

  /// packets that left = records + overflow
  [[nodiscard]] bool balanced() const {
    const TapCounts counts = tap.counts();
    return counts.packets == tap.stats().records.value() + counts.overflow;
  }

  telemetry::RecordRing ring{std::size_t{64} << 20};
  EgressTap tap;
};

/// Asks `condition` until it says true; false after ten seconds.
inline bool eventually(const std::function<bool()>& condition) {
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds{10};
  while (!condition()) {
    if (std::chrono::steady_clock::now() > deadline) return false;
    ::usleep(1000);
  }
  return true;
}

/// What a shell command prints.
inline std::string output_of(const std::string& command) {
  std::string text;
  FILE* pipe = ::popen(command.c_str(), "r");
  char part[4096];
  while (pipe != nullptr && std::fgets(part, sizeof part, pipe) != nullptr) text += part;
  if (pipe != nullptr) ::pclose(pipe);
  return text;
}

}  // namespace valinor::tap
