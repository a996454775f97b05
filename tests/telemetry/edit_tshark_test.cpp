// What tshark, which knows nothing of our code, says of the checksums in frames that we edited.

#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>

#include "edit_random_frame.hpp"
#include "telemetry/edit/complete_checksum.hpp"
#include "telemetry/edit/insert.hpp"
#include "telemetry/edit/push_hop.hpp"
#include "telemetry/edit/strip.hpp"

namespace valinor::telemetry {
namespace {

using p4netintel::Layout;
using test::Frame;
using test::Room;

constexpr std::uint32_t kEthernet = 1;  // LINKTYPE_ of pcap-linktype(7)
constexpr std::uint32_t kRawIp = 101;

void write_pcap(const std::filesystem::path& path, std::uint32_t link_type,
                const std::vector<Frame>& frames) {
  std::ofstream file{path, std::ios::binary};
  const auto put = [&](std::initializer_list<std::uint32_t> words) {
    for (const std::uint32_t word : words) {
      file.write(reinterpret_cast<const char*>(&word), sizeof word);
    }
  };
  put({0xa1b2c3d4, 4u << 16 | 2, 0, 0, 65535, link_type});  // in this machine's byte order
  std::uint32_t number = 0;
  for (const Frame& frame : frames) {
    const auto bytes = static_cast<std::uint32_t>(frame.size());
    put({1, number++, bytes, bytes});
    file.write(reinterpret_cast<const char*>(frame.data()), bytes);
  }
}

bool has_tshark() { return std::system("tshark --version >/dev/null 2>&1") == 0; }

struct Verdicts {
  std::size_t frames = 0;
  std::size_t ip_good = 0;
  std::size_t transport_good = 0;
  std::string bad;  // the lines of frames that have a bad checksum
};

/// Lets tshark judge; statuses are 0 bad, 1 good, 2 unverified, 3 not present.
Verdicts judge(const std::string& name, std::uint32_t link_type, const std::vector<Frame>& frames) {
  const auto path = std::filesystem::temp_directory_path() /
                    ("valinor_edit_" + name + "_" + std::to_string(::getpid()) + ".pcap");
  write_pcap(path, link_type, frames);
  const std::string command =
      "tshark -n -r " + path.string() +
      " -o ip.check_checksum:TRUE -o udp.check_checksum:TRUE -o tcp.check_checksum:TRUE"
      " -T fields -E separator=, -E occurrence=f -e frame.number -e ip.checksum.status"
      " -e udp.checksum.status -e tcp.checksum.status 2>/dev/null";
  Verdicts verdicts;
  FILE* out = ::popen(command.c_str(), "r");
  std::array<char, 256> line{};
  while (out != nullptr && std::fgets(line.data(), line.size(), out) != nullptr) {
    ++verdicts.frames;
    std::istringstream fields{line.data()};
    std::string number, ip, udp, tcp;
    std::getline(fields, number, ',');
    std::getline(fields, ip, ',');
    std::getline(fields, udp, ',');
    std::getline(fields, tcp);
    if (ip == "1") ++verdicts.ip_good;
    if (udp == "1" || tcp == "1") ++verdicts.transport_good;
    if (ip == "0" || udp == "0" || tcp == "0") verdicts.bad += line.data();
  }
  if (out != nullptr) ::pclose(out);
  std::filesystem::remove(path);
  return verdicts;
}

TEST(EditTshark, FindsNoBadChecksumInWhatWeEmit) {
  if (!has_tshark()) GTEST_SKIP() << "no tshark on this machine";
  test::Random random{61};
  std::vector<Frame> ethernet, behind_telemetry, unfinished;
  for (int i = 0; i < 150; ++i) {
    auto packet = test::random_packet(random);
    const bool needs_completion = i % 3 == 0;
    if (needs_completion) packet.leave_checksum_unfinished();
    const Layout layout = test::kAllLayouts[test::below(random, 4)];
    Room room{packet.frame, 2048};
    wire::Link link = *wire::parse_link(packet.frame);
    const auto traces = test::random_traces(random, layout, test::below(random, 19));
    ASSERT_EQ(insert_p4netintel(room.editable, link, layout, traces, HostTimes{}, 0xffff),
              EditResult::done);
    link.ethertype = p4netintel::kEthertype;
    DropReason reason{};
    TracePlace place;
    ASSERT_EQ(push_hop(room.editable, link, test::locate(room.frame(), layout, reason),
                       test::random_hop(random, layout), layout, 0xffff, place),
              EditResult::done);
    patch_egress_time(room.editable.data, place, 123);
    const p4netintel::Stack stack = test::locate(room.frame(), layout, reason);
    ASSERT_EQ(reason, DropReason::none);
    const std::uint32_t ip_at = link.bytes + stack.ip_offset;
    if (needs_completion) {
      ASSERT_TRUE(complete_checksum(room.editable.span(), ip_at));
    }
    const Frame pushed = room.frame();
    behind_telemetry.emplace_back(pushed.begin() + ip_at, pushed.end());
    ASSERT_EQ(strip_p4netintel(room.editable, link, stack), EditResult::done);
    ethernet.push_back(room.frame());
    if (needs_completion) unfinished.push_back(packet.frame);

    auto v6 = test::random_packet(random, true);
    v6.leave_checksum_unfinished();
    ASSERT_TRUE(complete_checksum(v6.frame, static_cast<std::uint32_t>(v6.ip_at)));
    if (i % 3 == 1) ethernet.push_back(v6.frame);
  }
  const Verdicts stripped = judge("ethernet", kEthernet, ethernet);
  EXPECT_EQ(stripped.frames, 200u);
  EXPECT_EQ(stripped.ip_good, 150u);
  EXPECT_EQ(stripped.transport_good, 200u);
  EXPECT_EQ(stripped.bad, "");
  const Verdicts inserted = judge("raw", kRawIp, behind_telemetry);
  EXPECT_EQ(inserted.frames, 150u);
  EXPECT_EQ(inserted.ip_good, 150u);
  EXPECT_EQ(inserted.transport_good, 150u);
  EXPECT_EQ(inserted.bad, "");
  // That tshark looks at all: unfinished ones it calls bad (or, being lenient with what a NIC
  // would finish, at least not good).
  EXPECT_EQ(judge("unfinished", kEthernet, unfinished).transport_good, 0u);
}

}  // namespace
}  // namespace valinor::telemetry
