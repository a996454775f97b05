#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <functional>

#include "base/failure.hpp"
#include "packet_io/replay/pcap_file.hpp"
#include "packet_io/replay/replay_port.hpp"
#include "support/golden.hpp"

namespace valinor::packet_io::replay {
namespace {

/// A folder of its own, gone with the test.
class Replay : public testing::Test {
 protected:
  Replay()
      : folder_{std::filesystem::temp_directory_path() /
                ("valinor-replay-" + std::to_string(::getpid()))} {
    std::filesystem::create_directories(folder_);
  }
  ~Replay() override { std::filesystem::remove_all(folder_); }

  [[nodiscard]] std::string path(const std::string& name) const { return folder_ / name; }

  /// A pcap file by hand: header with `magic` and `link_type`, then frames of (seconds, fraction).
  std::string write_pcap(std::uint32_t magic, std::uint32_t link_type,
                         const std::vector<std::vector<std::byte>>& frames, std::uint32_t fraction,
                         std::uint32_t cut = 0xffffffff) {
    const std::string name = path("hand.pcap");
    std::ofstream file{name, std::ios::binary};
    const auto put = [&](auto value) {
      file.write(reinterpret_cast<const char*>(&value), sizeof value);
    };
    put(magic);
    put(std::uint16_t{2});
    put(std::uint16_t{4});
    put(std::uint32_t{0});
    put(std::uint32_t{0});
    put(std::uint32_t{65'535});
    put(link_type);
    for (const auto& frame : frames) {
      const auto size = static_cast<std::uint32_t>(frame.size());
      put(std::uint32_t{1'700'000'000});
      put(fraction);
      put(std::min(size, cut));
      put(size);
      file.write(reinterpret_cast<const char*>(frame.data()), std::min(size, cut));
    }
    return name;
  }

 private:
  std::filesystem::path folder_;
};

constexpr std::uint32_t kMicroseconds = 0xa1b2c3d4;
constexpr std::uint32_t kNanoseconds = 0xa1b23c4d;
constexpr std::uint32_t kEthernet = 1;

std::vector<std::byte> frame_of(std::size_t bytes) {
  return std::vector<std::byte>(bytes, std::byte{7});
}

Finding finding_of(const std::function<void()>& action) {
  try {
    action();
  } catch (const Failure& failure) {
    EXPECT_FALSE(failure.finding().why.empty());
    return failure.finding();
  }
  return {"no failure", {}, {}, {}};
}

std::string code_of(const std::function<void()>& action) { return finding_of(action).code; }

TEST_F(Replay, MicrosecondsAndNanosecondsGiveTheSameTime) {
  PcapReader micro{write_pcap(kMicroseconds, kEthernet, {frame_of(60)}, 123'456)};
  EXPECT_EQ(micro.next()->time.since_epoch.count(), 1'700'000'000'123'456'000);
  PcapReader nano{write_pcap(kNanoseconds, kEthernet, {frame_of(60)}, 123'456'789)};
  EXPECT_EQ(nano.next()->time.since_epoch.count(), 1'700'000'000'123'456'789);
}

TEST_F(Replay, ACutFrameKnowsItsLengthOnTheWire) {
  PcapReader reader{write_pcap(kNanoseconds, kEthernet, {frame_of(1000)}, 0, 100)};
  const auto frame = reader.next();
  ASSERT_TRUE(frame);
  EXPECT_EQ(frame->bytes.size(), 100u);
  EXPECT_EQ(frame->wire_bytes, 1000u);
}

TEST_F(Replay, WhatIsWrittenIsReadAgain) {
  const auto golden = test::golden_frames();
  {
    PcapWriter writer{path("out.pcap")};
    std::int64_t time = 1;
    for (const auto& [name, bytes] : golden) {
      writer.write(bytes, static_cast<std::uint32_t>(bytes.size()), {Nanos{time++}});
    }
    EXPECT_TRUE(writer.flush());
  }
  PcapReader reader{path("out.pcap")};
  std::int64_t time = 1;
  for (const auto& [name, bytes] : golden) {
    const auto frame = reader.next();
    ASSERT_TRUE(frame) << name;
    EXPECT_TRUE(std::equal(bytes.begin(), bytes.end(), frame->bytes.begin(), frame->bytes.end()));
    EXPECT_EQ(frame->time.since_epoch.count(), time++);
  }
  EXPECT_FALSE(reader.next());
  EXPECT_EQ(reader.damage(), "");
}

TEST_F(Replay, CookedFramesGetAnEthernetHeader) {
  PcapReader reader{test::golden_path("captures/ioam_dex_dex.pcap")};
  std::size_t frames = 0;
  while (const auto frame = reader.next()) {
    ++frames;
    ASSERT_GT(frame->bytes.size(), 54u);
    EXPECT_EQ(std::to_integer<unsigned>(frame->bytes[12]), 0x86u);  // IPv6
    EXPECT_EQ(std::to_integer<unsigned>(frame->bytes[13]), 0xddu);
    EXPECT_EQ(std::to_integer<unsigned>(frame->bytes[14]) >> 4, 6u);
  }
  EXPECT_GT(frames, 0u);
}

TEST_F(Replay, ACookedFrameTooShortForItsHeaderStaysAsItIs) {
  PcapReader reader{write_pcap(kNanoseconds, 276, {frame_of(19)}, 0)};
  EXPECT_EQ(reader.next()->bytes.size(), 19u);
}

TEST_F(Replay, ADamagedFileSaysSoAfterItsGoodFrames) {
  const std::string name = write_pcap(kNanoseconds, kEthernet, {frame_of(60), frame_of(60)}, 0);
  std::filesystem::resize_file(name, std::filesystem::file_size(name) - 1);
  PcapReader reader{name};
  EXPECT_TRUE(reader.next());
  EXPECT_FALSE(reader.next());
  EXPECT_NE(reader.damage(), "");
}

TEST_F(Replay, WrongFilesAreRefusedByName) {
  EXPECT_EQ(code_of([&] { PcapReader{path("absent.pcap")}; }), "PCAP-OPEN-01");
  std::ofstream{path("text.pcap")} << "this is no capture, whatever its name says";
  EXPECT_EQ(code_of([&] { PcapReader{path("text.pcap")}; }), "PCAP-OPEN-01");
  std::ofstream{path("empty.pcap")};
  EXPECT_EQ(code_of([&] { PcapReader{path("empty.pcap")}; }), "PCAP-OPEN-01");
  EXPECT_EQ(code_of([&] { PcapReader{write_pcap(kNanoseconds, 127, {}, 0)}; }), "PCAP-LINK-01");
  EXPECT_EQ(code_of([&] { PcapWriter{path("no/such/folder.pcap")}; }), "PCAP-WRITE-01");
}

TEST_F(Replay, WhatToDoNextDependsOnWhatIsWrongWithTheFile) {
  const auto next = [](const std::string& name) {
    return finding_of([&] { PcapReader{name}; }).next;
  };
  const std::string folder = std::filesystem::path{path("absent.pcap")}.parent_path();
  EXPECT_EQ(next(path("absent.pcap")), "ls -l '" + folder + "'    shows what is there");
  EXPECT_EQ(next("absent.pcap"), "ls -l '.'    shows what is there");
  EXPECT_EQ(next("/tmp"), "ls -l '/tmp'    shows the files in it");
  std::ofstream{path("text.pcap")} << "this is no capture, whatever its name says";
  EXPECT_EQ(next(path("text.pcap")),
            "file '" + path("text.pcap") + "'    tells what it is; pcap and pcapng are read");
}

TEST_F(Replay, AFullDiskIsNoticed) {
  if (!std::filesystem::exists("/dev/full")) GTEST_SKIP() << "/dev/full is not there";
  PcapWriter writer{"/dev/full"};
  writer.write(frame_of(60), 60, {});
  EXPECT_FALSE(writer.flush());
}

TEST_F(Replay, ThePortHandsOutNoMoreThanABurstAtATime) {
  const std::vector<std::vector<std::byte>> frames(100, frame_of(60));
  ReplayPort port{write_pcap(kNanoseconds, kEthernet, frames, 0), std::nullopt};
  std::array<Frame, 2 * kMaxBurst> burst;
  const std::size_t first = port.receive(burst);
  EXPECT_EQ(first, kMaxBurst);
  EXPECT_EQ(port.receive(burst), 0u) << "all memory is in the worker's hands";
  EXPECT_FALSE(port.at_end());
  port.recycle({burst.data(), first});
  EXPECT_EQ(port.receive(burst), 100 - kMaxBurst);
  EXPECT_TRUE(port.at_end());
}

TEST_F(Replay, ThePortReceivesNoMoreThanThereIsRoomFor) {
  const std::vector<std::vector<std::byte>> frames(40, frame_of(60));
  std::size_t room = 0;
  ReplayPort port{write_pcap(kNanoseconds, kEthernet, frames, 0), std::nullopt,
                  [&] { return room; }};
  std::array<Frame, kMaxBurst> burst;
  EXPECT_EQ(port.receive(burst), 0u);
  EXPECT_FALSE(port.at_end());
  room = 30;
  EXPECT_EQ(port.receive(burst), 30u);
  EXPECT_EQ(port.receive(burst), 10u);
  EXPECT_TRUE(port.at_end());
}

}  // namespace
}  // namespace valinor::packet_io::replay
