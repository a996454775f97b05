/// Pages and NUMA node of packet memory, read back from the kernel; the size of its frames.
#include <fmt/format.h>

#include <fstream>
#include <sstream>
#include <string>

#include "packet_io/afxdp_veth.hpp"

namespace valinor::packet_io::afxdp {
namespace {

constexpr const char* kPool = "/sys/kernel/mm/hugepages/hugepages-2048kB/";

std::uint64_t huge_pages(const char* which) {
  std::uint64_t count = 0;
  std::ifstream{std::string{kPool} + which} >> count;
  return count;
}

/// Adds free pages of 2 MiB to the kernel's pool, and takes them away again. The kernel frees the
/// memory of a closed socket a little later: until then its pages are neither free nor to be taken
/// away, and those taken away would stay in the pool.
class MoreHugePages {
 public:
  explicit MoreHugePages(std::uint64_t pages) {
    eventually([] { return huge_pages("free_hugepages") == huge_pages("nr_hugepages"); });
    before_ = huge_pages("nr_hugepages");
    set(before_ + pages);
    obtained_ = huge_pages("nr_hugepages") == before_ + pages;
    free_ = huge_pages("free_hugepages");
  }
  ~MoreHugePages() {
    EXPECT_TRUE(eventually([this] { return huge_pages("free_hugepages") >= free_; }));
    set(before_);
  }
  MoreHugePages(const MoreHugePages&) = delete;
  MoreHugePages& operator=(const MoreHugePages&) = delete;

  [[nodiscard]] bool obtained() const { return obtained_; }

 private:
  static void set(std::uint64_t pages) {
    std::ofstream{std::string{kPool} + "nr_hugepages"} << pages;
  }

  std::uint64_t before_ = 0, free_ = 0;
  bool obtained_ = false;
};

/// What /proc/self/smaps says of the memory around `address`: "KernelPageSize" in KiB, for one.
std::uint64_t kib_of(const std::byte* address, const std::string& key) {
  const auto wanted = reinterpret_cast<std::uintptr_t>(address);
  std::ifstream smaps{"/proc/self/smaps"};
  bool inside = false;
  for (std::string line; std::getline(smaps, line);) {
    unsigned long begin = 0, end = 0;
    if (std::sscanf(line.c_str(), "%lx-%lx ", &begin, &end) == 2) {
      inside = begin <= wanted && wanted < end;
    } else if (inside && line.starts_with(key + ":")) {
      return std::stoull(line.substr(key.size() + 1));
    }
  }
  return 0;
}

/// As many frames as take this many pages of 2 MiB.
UmemConfig memory_of(std::uint64_t pages, HugePages huge) {
  return {.frames = static_cast<std::uint32_t>(pages * kHugePageBytes / 4096),
          .frame_size = 4096,
          .huge_pages = huge};
}

class PacketMemoryTest : public VethTest {};

TEST_F(PacketMemoryTest, IsInHugePagesWhereThereAreFreeOnes) {
  const MoreHugePages more{4};
  if (!more.obtained()) GTEST_SKIP() << "the kernel has no room for huge pages";
  for (const HugePages huge : {HugePages::automatic, HugePages::require}) {
    const std::uint64_t free_before = huge_pages("free_hugepages");
    const Umem umem{memory_of(2, huge)};
    EXPECT_EQ(kib_of(umem.at(0), "KernelPageSize"), 2048U);
    EXPECT_EQ(umem.huge_bytes(), umem.bytes());
    EXPECT_EQ(umem.describe(), "4 MiB (2 MiB pages)");
    EXPECT_EQ(huge_pages("free_hugepages"), free_before - 2);
  }
}

TEST_F(PacketMemoryTest, InHugePagesCarriesPackets) {
  const MoreHugePages more{4};
  if (!more.obtained()) GTEST_SKIP() << "the kernel has no room for huge pages";
  auto config = near(Mode::copy);
  config.umem.frames = 700;  // no multiple of a huge page
  config.umem.huge_pages = HugePages::require;
  Opened opened{config, {}};
  opened.steer();
  AfxdpPort& port = *opened.ports()[0];
  Sender sender;
  for (std::uint32_t sent = 0; sent < 2000; sent += 50) {  // every frame of it, more than once
    sender.send(sent, 50);
    std::uint32_t expected = sent;
    ASSERT_EQ(
        receive_all(port, 50,
                    [&](const Frame& frame) { EXPECT_EQ(number_of(frame.span()), expected++); }),
        50U);
  }
  EXPECT_EQ(port.census().total(), 700U);
}

TEST_F(PacketMemoryTest, FallsBackToSmallPagesWhereHugeOnesAreTooFew) {
  const Umem umem{memory_of(huge_pages("free_hugepages") + 2, HugePages::automatic)};
  EXPECT_EQ(kib_of(umem.at(0), "KernelPageSize"), 4U);
  EXPECT_LE(umem.huge_bytes() / 1024, kib_of(umem.at(0), "AnonHugePages"));
}

TEST_F(PacketMemoryTest, IsInSmallPagesWhereHugeOnesAreSwitchedOff) {
  const MoreHugePages more{4};
  const Umem umem{memory_of(2, HugePages::off)};
  EXPECT_EQ(kib_of(umem.at(0), "KernelPageSize"), 4U);
  EXPECT_EQ(kib_of(umem.at(0), "AnonHugePages"), 0U);
  EXPECT_EQ(umem.huge_bytes(), 0U);
  EXPECT_EQ(umem.describe(), "4 MiB (4 KiB pages)");
}

TEST_F(PacketMemoryTest, RequiredHugePagesThatLackAreNamedWithTheCommandThatMakesThem) {
  const std::uint64_t all = huge_pages("nr_hugepages"), free = huge_pages("free_hugepages");
  const auto finding =
      finding_of([&] { const Umem umem{memory_of(free + 2, HugePages::require)}; });
  EXPECT_EQ(finding.code, "MEM-HUGE-01");
  EXPECT_EQ(finding.why, fmt::format("kernel said ENOMEM: {} pages of 2 MiB are needed, {} of {} "
                                     "are free",
                                     free + 2, free, all));
  EXPECT_TRUE(finding.next.starts_with(fmt::format("sysctl vm.nr_hugepages={} ", all + 2)))
      << finding.next;
}

TEST_F(PacketMemoryTest, PrefersTheNodeOfTheNic) {
  std::ifstream maps{"/proc/self/numa_maps"};
  if (!maps) GTEST_SKIP() << "this kernel has no NUMA";
  auto config = memory_of(2, HugePages::off);
  config.numa_node = 0;
  const Umem umem{config};
  EXPECT_EQ(umem.node(), 0);
  EXPECT_EQ(umem.describe(), "4 MiB (4 KiB pages, NUMA node 0)");
  const std::string start = fmt::format("{:x} ", reinterpret_cast<std::uintptr_t>(umem.at(0)));
  std::string policy;
  for (std::string line; std::getline(maps, line);) {
    if (line.starts_with(start)) policy = line.substr(start.size());
  }
  EXPECT_TRUE(policy.starts_with("prefer:0 ")) << policy;
}

TEST(FrameSize, IsTheSmallOneForAFullPacketAndADriverThatTakesIt) {
  const auto chosen = [](const char* driver, std::uint32_t mtu, Mode mode = Mode::automatic,
                         const UmemConfig& config = {}) {
    return choose_frame_size(
        {.name = "eth0", .index = {}, .mtu = mtu, .driver = driver, .queues = {}}, mode, config);
  };
  EXPECT_EQ(chosen("i40e", 1500), 2048U);
  EXPECT_EQ(chosen("i40e", 1770), 2048U);
  EXPECT_EQ(chosen("i40e", 1771), 4096U);
  EXPECT_EQ(chosen("igb", 1500), 4096U);
  EXPECT_EQ(chosen("igb", 1500, Mode::copy), 2048U);
  EXPECT_EQ(chosen("", 1500, Mode::skb), 2048U);
  EXPECT_EQ(chosen("ice", 9000), 4096U);
  EXPECT_EQ(chosen("ice", 1500, Mode::automatic, {.headroom = 1472}), 4096U);
  EXPECT_EQ(chosen("igb", 1500, Mode::zerocopy, {.frame_size = 2048}), 2048U);
}

}  // namespace
}  // namespace valinor::packet_io::afxdp
