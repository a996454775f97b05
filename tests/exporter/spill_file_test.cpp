#include "exporter/spill_file.hpp"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <cstdlib>
#include <deque>
#include <fstream>
#include <random>

namespace valinor::exporter {
namespace {

namespace fs = std::filesystem;

const SpillOwner kOwner{"redis redis://127.0.0.1:6379/0", 7};

Batch batch_of(std::size_t bytes, unsigned value, std::size_t records = 3) {
  return {.rows = std::vector<std::byte>(bytes, static_cast<std::byte>(value)),
          .records = records,
          .maybe_stored = value % 2 == 1};
}

void expect_same(const Batch& read, const Batch& appended) {
  EXPECT_EQ(read.rows, appended.rows);
  EXPECT_EQ(read.records, appended.records);
  EXPECT_EQ(read.maybe_stored, appended.maybe_stored);
}

class SpillFileTest : public testing::Test {
 protected:
  SpillFileTest() {
    std::string pattern = (fs::temp_directory_path() / "spill-XXXXXX").string();
    folder_ = ::mkdtemp(pattern.data());
  }
  ~SpillFileTest() override { fs::remove_all(folder_); }

  [[nodiscard]] fs::path path() const { return folder_ / "one.spill"; }
  [[nodiscard]] SpillFile make(std::uint64_t bytes = SpillFile::kSmallest) const {
    return *SpillFile::create(path(), kOwner, bytes);
  }

  fs::path folder_;
};

TEST_F(SpillFileTest, GivesBatchesBackInTheirOrder) {
  SpillFile file = make();
  for (unsigned i = 1; i <= 20; ++i) ASSERT_TRUE(file.append(batch_of(100 + i, i)));
  EXPECT_EQ(file.records(), 60u);
  for (unsigned i = 1; i <= 20; ++i) {
    const auto batch = file.read_next();
    ASSERT_TRUE(batch);
    expect_same(*batch, batch_of(100 + i, i));
    EXPECT_NE(batch->spilled, 0u);
    file.settle(batch->spilled);
  }
  EXPECT_FALSE(file.has_unread());
  EXPECT_EQ(file.records(), 0u);
  EXPECT_EQ(file.bytes(), 0u);
}

/// Against a deque, with the file closed and opened again in between, many times around.
TEST_F(SpillFileTest, IsAQueueOverManyRoundsAndProcesses) {
  std::mt19937 random{5};
  std::optional<SpillFile> file = make();
  std::deque<Batch> model;              // what is not settled, oldest first
  std::deque<std::uint64_t> unsettled;  // names of those of it that were read
  std::uint64_t appended = 0, refused = 0, processes = 0;
  for (int step = 0; step < 20'000; ++step) {
    switch (random() % 8) {
      case 0:
      case 1:
      case 2: {
        Batch batch =
            batch_of(1 + random() % 6000, static_cast<unsigned>(random() % 256), 1 + random() % 9);
        const auto done = file->append(batch);
        if (!done) {
          ASSERT_EQ(done.error().code.value(), ENOSPC);
          ++refused;
          break;
        }
        ++appended;
        model.push_back(std::move(batch));
        break;
      }
      case 3:
      case 4: {
        if (!file->has_unread()) {
          ASSERT_EQ(unsettled.size(), model.size());
          break;
        }
        const auto batch = file->read_next();
        ASSERT_TRUE(batch) << batch.error().doing;
        expect_same(*batch, model[unsettled.size()]);
        unsettled.push_back(batch->spilled);
        break;
      }
      case 5:
      case 6:
        if (unsettled.empty()) break;
        file->settle(unsettled.front());
        unsettled.pop_front();
        model.pop_front();
        break;
      default:
        if (random() % 20 != 0) break;
        ++processes;
        file.reset();
        file = *SpillFile::open(path());
        ASSERT_EQ(file->owner(), kOwner);
        unsettled.clear();
        for (Batch& batch : model) batch.maybe_stored = true;
    }
    std::uint64_t records = 0;
    for (const Batch& batch : model) records += batch.records;
    ASSERT_EQ(file->records(), records);
    ASSERT_LE(file->bytes(), file->max_bytes());
  }
  EXPECT_GT(appended, 2000u);
  EXPECT_GT(refused, 100u);
  EXPECT_GT(processes, 50u);
}

TEST_F(SpillFileTest, BatchesMayBeSettledInAnyOrder) {
  {
    SpillFile file = make();
    std::vector<std::uint64_t> names;
    for (unsigned i = 0; i < 4; ++i) {
      ASSERT_TRUE(file.append(batch_of(10, i)));
      names.push_back(file.read_next()->spilled);
    }
    for (const std::size_t i : {2U, 0U, 3U}) file.settle(names[i]);
    EXPECT_EQ(file.records(), 3u);
  }
  // The second one is left, and those behind it, which the file could not forget.
  SpillFile next = *SpillFile::open(path());
  EXPECT_EQ(next.records(), 9u);
  expect_same(*next.read_next(), batch_of(10, 1));
}

TEST_F(SpillFileTest, TheNextProcessKnowsUnderWhichIdABatchWasSent) {
  {
    SpillFile file = make();
    Batch sent_before = batch_of(10, 0);
    sent_before.id = {1, 2};
    ASSERT_TRUE(file.append(sent_before));
    for (unsigned i = 1; i < 4; ++i) ASSERT_TRUE(file.append(batch_of(10, i)));
    EXPECT_EQ(file.read_next()->id, (BatchId{1, 2}));
    const std::uint64_t second = file.read_next()->spilled;
    const std::uint64_t third = file.read_next()->spilled;
    file.note_id(third, {7, 8});
    file.note_id(second, {3, 4});
    file.note_id(second, {5, 6});  // once more, under another one
  }
  SpillFile next = *SpillFile::open(path());
  const std::vector<BatchId> expected{{1, 2}, {5, 6}, {7, 8}, {}};
  for (unsigned i = 0; i < 4; ++i) {
    const auto batch = next.read_next();
    ASSERT_TRUE(batch);
    EXPECT_EQ(batch->rows, batch_of(10, i).rows);
    EXPECT_EQ(batch->id, expected[i]);
  }
}

TEST_F(SpillFileTest, IsOneProcessesAlone) {
  const SpillFile file = make();
  EXPECT_EQ(SpillFile::open(path()).error().code.value(), EWOULDBLOCK);
  EXPECT_EQ(SpillFile::create(path(), kOwner, 1 << 20).error().code.value(), EWOULDBLOCK);
}

/// The process before may have sent them, and not lived to see the answer.
TEST_F(SpillFileTest, WhatAnotherProcessLeftMayHaveBeenStored) {
  constexpr unsigned kEven = 2;
  {
    SpillFile file = make();
    for (int i = 0; i < 2; ++i) ASSERT_TRUE(file.append(batch_of(10, kEven)));
    EXPECT_FALSE(file.read_next()->maybe_stored);
  }
  SpillFile next = *SpillFile::open(path());
  ASSERT_TRUE(next.append(batch_of(10, kEven)));
  EXPECT_TRUE(next.read_next()->maybe_stored);
  EXPECT_TRUE(next.read_next()->maybe_stored);
  EXPECT_FALSE(next.read_next()->maybe_stored);
}

/// Whatever byte is damaged, reading ends there: no batch is made up, none is read twice.
TEST_F(SpillFileTest, ADamagedByteEndsTheQueueAndInventsNothing) {
  constexpr std::uint64_t kBlocks = 8192;
  std::vector<Batch> batches;
  {
    SpillFile file = make();
    for (unsigned i = 0; i < 5; ++i) {
      batches.push_back(batch_of(40 + i, 10 + i));
      ASSERT_TRUE(file.append(batches.back()));
      batches.back().maybe_stored = true;  // for the process that reads it
    }
  }
  std::string image(kBlocks + SpillFile::kSmallest, '\0');
  std::ifstream{path(), std::ios::binary}.read(image.data(),
                                               static_cast<std::streamsize>(image.size()));
  for (std::uint64_t at = 0; at < 5 * (56 + 48); ++at) {
    std::string damaged = image;
    damaged[kBlocks + at] = static_cast<char>(damaged[kBlocks + at] ^ 0x10);
    std::ofstream{path(), std::ios::binary}.write(damaged.data(),
                                                  static_cast<std::streamsize>(damaged.size()));
    SpillFile file = *SpillFile::open(path());
    std::size_t read = 0;
    for (; file.has_unread(); ++read) expect_same(*file.read_next(), batches[read]);
    EXPECT_GE(read, at / 104) << at;
    ASSERT_TRUE(file.append(batch_of(8, 1)));
  }
}

TEST_F(SpillFileTest, WhatIsNoSpillFileIsRefused) {
  std::ofstream{path()} << "hello";
  EXPECT_EQ(SpillFile::open(path()).error().code.value(), EBADMSG);
  EXPECT_EQ(SpillFile::open(folder_ / "none").error().code.value(), ENOENT);
}

/// The disk gets its space back, though the file keeps its length.
TEST_F(SpillFileTest, AnEmptyQueueTakesNoSpace) {
  const auto used = [this] {
    struct stat status {};
    EXPECT_EQ(::stat(path().c_str(), &status), 0);
    return static_cast<std::uint64_t>(status.st_blocks) * 512;
  };
  SpillFile file = make(1 << 20);
  while (file.append(batch_of(4000, 1))) {
  }
  if (used() < (1 << 19)) GTEST_SKIP() << "this file system says nothing of the space it uses";
  while (file.has_unread()) file.settle(file.read_next()->spilled);
  EXPECT_LT(used(), 64u << 10);
}

}  // namespace
}  // namespace valinor::exporter
