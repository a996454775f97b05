/// Files that export reads and writes.
#include <gtest/gtest.h>

#include <cstddef>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "base/failure.hpp"
#include "exporter/npy.hpp"
#include "exporter/record_file.hpp"
#include "exporter/record_source.hpp"
#include "exporter/record_target.hpp"
#include "exporter/spill_file.hpp"
#include "exporter/valinor_entry.hpp"
#include "record_samples.hpp"

namespace valinor::exporter {
namespace {

namespace fs = std::filesystem;

class RecordFilesTest : public testing::Test {
 protected:
  RecordFilesTest() {
    std::string pattern = (fs::temp_directory_path() / "records-XXXXXX").string();
    folder = ::mkdtemp(pattern.data());
  }
  ~RecordFilesTest() override { fs::remove_all(folder); }

  /// Records of 0, 1 and 2 hops in turn.
  static void write_samples(RecordTarget& target, std::uint64_t count) {
    for (std::uint64_t i = 0; i < count; ++i) {
      telemetry::PacketRecord packet = test::valinor_record(1000 + i);
      std::array<telemetry::HopRecord, 2> hops{};
      hops[0].node_id = static_cast<std::uint32_t>(i);
      packet.hop_count = packet.hops_claimed = static_cast<std::uint16_t>(i % 3);
      target.write({packet, std::span{hops}.first(i % 3)});
    }
  }

  fs::path make(const char* name, FileForm form, std::uint64_t count) {
    const auto target = open_file_target(folder / name, form, false, 7, RecordTime::network_switch);
    write_samples(*target, count);
    EXPECT_EQ(target->finish().written, count);
    return folder / name;
  }

  /// All records as append_record() has them.
  static std::vector<std::byte> read_all(RecordSource& source) {
    std::vector<std::byte> bytes;
    while (source.read_some(
        [&](const telemetry::RecordView& record) { append_record(record, bytes); })) {
    }
    EXPECT_EQ(source.progress(), 1.0);
    return bytes;
  }

  static std::string read_file(const fs::path& path) {
    std::ostringstream text;
    text << std::ifstream{path, std::ios::binary}.rdbuf();
    return text.str();
  }

  static std::string code_of(const fs::path& path) {
    try {
      (void)open_file_source(path);
    } catch (const Failure& failure) {
      return failure.finding().code;
    }
    return "none";
  }

  fs::path folder;
};

TEST_F(RecordFilesTest, WholeRecordsComeBackWhole) {
  const fs::path path = make("a.records", FileForm::records, 100'000);
  const auto source = open_file_source(path);
  const auto bytes = read_all(*source);
  const std::string file = read_file(path);
  ASSERT_EQ(file.size(), sizeof(RecordFileHeader) + bytes.size());
  EXPECT_EQ(std::memcmp(file.data() + sizeof(RecordFileHeader), bytes.data(), bytes.size()), 0);
  EXPECT_EQ(source->damage(), "");
}

TEST_F(RecordFilesTest, AFileCutAtAnyByteGivesWhatIsWhole) {
  const fs::path path = make("a.records", FileForm::records, 4);
  const std::string file = read_file(path);
  // 64 bytes of header, records of 0, 1, 2 and 0 hops.
  const std::vector<std::size_t> ends{64, 192, 400, 688, 816};
  ASSERT_EQ(file.size(), ends.back());
  for (std::size_t size = 64; size <= file.size(); ++size) {
    std::ofstream{path, std::ios::binary}.write(file.data(), static_cast<std::streamsize>(size));
    const auto source = open_file_source(path);
    std::size_t records = 0;
    while (source->read_some([&](const telemetry::RecordView&) { ++records; })) {
    }
    std::size_t whole = 0;
    while (whole + 1 < ends.size() && ends[whole + 1] <= size) ++whole;
    EXPECT_EQ(records, whole) << size;
    EXPECT_EQ(source->damage().empty(), ends[whole] == size) << size << source->damage();
  }
}

TEST_F(RecordFilesTest, WhatIsNoRecordEndsTheFile) {
  const fs::path path = make("a.records", FileForm::records, 4);
  std::string file = read_file(path);
  file[192 + offsetof(telemetry::PacketRecord, format)] = '\x63';  // of the second record
  std::ofstream{path, std::ios::binary}.write(file.data(),
                                              static_cast<std::streamsize>(file.size()));
  const auto source = open_file_source(path);
  std::size_t records = 0;
  while (source->read_some([&](const telemetry::RecordView&) { ++records; })) {
  }
  EXPECT_EQ(records, 1u);
  EXPECT_EQ(source->damage(), "what stands at byte 192 is no record");
}

TEST_F(RecordFilesTest, ANpyHasTheEntries) {
  const fs::path path = make("a.npy", FileForm::npy, 1000);
  const auto source = open_file_source(path);
  std::uint64_t i = 0;
  while (source->read_some([&](const telemetry::RecordView& record) {
    const ValinorEntry expected = to_entry(test::valinor_record(1000 + i++), {});
    EXPECT_EQ(to_entry(record.packet, record.hops), expected);
    EXPECT_EQ(record.packet.flow.protocol, 6);
  })) {
  }
  EXPECT_EQ(i, 1000u);
  EXPECT_EQ(source->damage(), "");
  fs::resize_file(path, kNpyHeaderBytes + 34 * 999 + 10);
  const auto cut = open_file_source(path);
  std::size_t records = 0;
  while (cut->read_some([&](const telemetry::RecordView&) { ++records; })) {
  }
  EXPECT_EQ(records, 999u);
  EXPECT_NE(cut->damage().find("promises 1000 records"), std::string::npos) << cut->damage();
}

TEST_F(RecordFilesTest, ACsvHasALineForEachRecord) {
  const fs::path path = make("a.csv", FileForm::csv, 3);
  std::ifstream file{path};
  std::vector<std::string> lines;
  for (std::string line; std::getline(file, line);) lines.push_back(line);
  ASSERT_EQ(lines.size(), 4u);
  EXPECT_TRUE(lines[0].starts_with("timestamp_ns,enqueue,")) << lines[0];
  EXPECT_EQ(lines[3],
            "1002,4660,5678,154,2693863814,10.0.0.1,10.0.0.2,5001,80,6,valinor_n,0,0,0,0,1,0,0,"
            "2;0,0;0,0;0,0;0");
}

TEST_F(RecordFilesTest, ASpillFileIsReadAndStaysAsItIs) {
  const fs::path path = folder / "000.spill";
  {
    SpillFile file = *SpillFile::create(path, {"redis x", 7}, SpillFile::kSmallest);
    SpillFile stream =
        *SpillFile::create(folder / "001.spill", {"redis stream x", 7}, SpillFile::kSmallest);
    for (std::uint64_t i = 0; i < 10; ++i) {
      const telemetry::PacketRecord packet = test::valinor_record(i);
      const ValinorRow row = to_row(to_entry(packet, {}));
      ASSERT_TRUE(file.append({.rows = {row.begin(), row.end()}, .records = 1}));
      Batch whole{.rows = {}, .records = 1};
      append_record({packet, {}}, whole.rows);
      ASSERT_TRUE(stream.append(whole));
    }
    EXPECT_EQ(code_of(path), "EXPORT-READ-01");  // in use
  }
  const std::string before = read_file(path);
  for (int round = 0; round < 2; ++round) {
    std::vector<std::uint64_t> times;
    const auto source = open_file_source(folder);
    while (source->read_some([&](const telemetry::RecordView& record) {
      times.push_back(to_entry(record.packet, {}).timestamp_ns);
    })) {
    }
    EXPECT_EQ(times, (std::vector<std::uint64_t>{0, 1, 2, 3, 4, 5, 6, 7, 8, 9,  //
                                                 0, 1, 2, 3, 4, 5, 6, 7, 8, 9}));
  }
  EXPECT_EQ(read_file(path), before);
}

TEST_F(RecordFilesTest, WhatIsNoFileOfRecordsIsRefused) {
  EXPECT_EQ(code_of(folder / "none"), "EXPORT-READ-01");
  EXPECT_EQ(code_of(folder), "EXPORT-READ-01");  // without a spill file
  for (const char* name : {"text", "text.spill"}) {
    std::ofstream{folder / name} << "hello, this is no file of records";
    EXPECT_EQ(code_of(folder / name), "EXPORT-READ-02") << name;
  }
  std::ofstream{folder / "empty"};
  EXPECT_EQ(code_of(folder / "empty"), "EXPORT-READ-02");
}

TEST_F(RecordFilesTest, AFileHasItsNameWhenItIsWhole) {
  const fs::path path = folder / "a.npy";
  {
    const auto target = open_file_target(path, FileForm::npy, false, 0, RecordTime::arrival);
    write_samples(*target, 10);
    EXPECT_FALSE(fs::exists(path));
  }
  EXPECT_TRUE(fs::is_empty(folder));
  make("a.npy", FileForm::npy, 10);
  EXPECT_THROW((void)make("a.npy", FileForm::npy, 10), Failure);
  (void)open_file_target(path, FileForm::npy, true, 0, RecordTime::arrival)->finish();
  const std::string empty = read_file(path);
  EXPECT_EQ(parse_npy_header(std::as_bytes(std::span{empty}))->entries, 0u);
}

TEST(Npy, ReadsWhatNumpySaves) {
  const std::string ours = make_npy_header(12);
  const auto content = parse_npy_header(std::as_bytes(std::span{ours}));
  ASSERT_TRUE(content);
  EXPECT_EQ(content->entries, 12u);
  EXPECT_EQ(content->header_bytes, kNpyHeaderBytes);
  std::string other = ours;
  other.replace(other.find(">u8"), 3, "<u8");
  EXPECT_FALSE(parse_npy_header(std::as_bytes(std::span{other})));
  EXPECT_FALSE(parse_npy_header(std::as_bytes(std::span{ours}).first(100)));
}

/// Whatever stands in an entry, the record that is made of it gives it back.
TEST(ValinorEntry, ARecordOfAnEntryIsThatEntry) {
  const ValinorEntry plain = to_entry(test::valinor_record(), {});
  EXPECT_EQ(to_entry(std::span<const std::byte, kValinorRowBytes>{to_row(plain)}), plain);
  ValinorEntry unknown = plain;
  unknown.packet_length = kUnknownLength;
  ValinorEntry tapped{.timestamp_ns = ~std::uint64_t{0} >> 1, .connection_key = 5, .source = 9};
  ValinorEntry odd = plain;
  odd.connection_key ^= 1;
  odd.packet_length = 0xFFFF;
  odd.enqueue = ~0U;
  for (const ValinorEntry& entry : {plain, unknown, tapped, odd}) {
    for (const RecordTime time : {RecordTime::network_switch, RecordTime::arrival}) {
      EXPECT_EQ(to_entry(to_record(entry), {}, time), entry);
    }
  }
  EXPECT_EQ(to_record(plain).flow.protocol, 6);
  EXPECT_EQ(to_record(tapped).flow.protocol, 0);
}

}  // namespace
}  // namespace valinor::exporter
