#include "exporter/spill_folder.hpp"

#include <gtest/gtest.h>

#include <array>
#include <cstdlib>
#include <fstream>

namespace valinor::exporter {
namespace {

namespace fs = std::filesystem;

class SpillFolderTest : public testing::Test {
 protected:
  SpillFolderTest() {
    std::string pattern = (fs::temp_directory_path() / "spills-XXXXXX").string();
    config.folder = ::mkdtemp(pattern.data());
  }
  ~SpillFolderTest() override { fs::remove_all(config.folder); }

  void leave(const char* name, const SpillOwner& owner, std::size_t records) {
    SpillFile file = *SpillFile::create(fs::path{config.folder} / name, owner, 1);
    ASSERT_TRUE(file.append({.rows = std::vector<std::byte>(34), .records = records}));
  }

  SpillConfig config;
};

/// What one shard's file holds is nobody else's business, and no reason to warn.
TEST_F(SpillFolderTest, OneScanFindsTheFilesOfAllOwners) {
  leave("000.spill", {"b", 7}, 1);
  leave("001.spill", {"a", 7}, 2);
  leave("002.spill", {"a", 6}, 3);
  leave("003.spill", {"b", 7}, 4);
  leave("004.spill", {"other", 7}, 5);
  std::ofstream{fs::path{config.folder} / "005.spill"} << "hello";
  const std::array<SpillOwner, 3> owners{{{"a", 7}, {"b", 7}, {"c", 7}}};
  const auto spills = open_spills(config, owners);
  ASSERT_TRUE(spills);
  ASSERT_EQ(spills->of.size(), 3u);
  EXPECT_EQ(spills->of[0].own->records(), 2u);
  EXPECT_EQ(spills->of[1].own->records(), 1u);
  EXPECT_EQ(spills->of[2].own->records(), 0u);
  EXPECT_EQ(spills->of[2].own->path().filename(), "006.spill");
  ASSERT_EQ(spills->of[0].left_behind.size(), 1u);
  EXPECT_EQ(spills->of[0].left_behind[0].owner(), (SpillOwner{"a", 6}));
  ASSERT_EQ(spills->of[1].left_behind.size(), 1u);
  EXPECT_EQ(spills->of[1].left_behind[0].records(), 4u);
  ASSERT_EQ(spills->warnings.size(), 2u);
  EXPECT_NE(spills->warnings[0].find("5 records for other (key 7)"), std::string::npos);
  EXPECT_NE(spills->warnings[1].find("005.spill is not used"), std::string::npos);
}

TEST_F(SpillFolderTest, AnEmptyFileIsUsedAnewAndOneInUseIsLeftAlone) {
  const std::array<SpillOwner, 2> owners{{{"a", 1}, {"b", 1}}};
  (void)open_spills(config, owners);
  const auto first = open_spills(config, {owners.data(), 1});
  EXPECT_EQ(first->of[0].own->path().filename(), "000.spill");
  const auto second = open_spills(config, owners);
  EXPECT_EQ(second->of[0].own->path().filename(), "001.spill");
  EXPECT_EQ(second->of[1].own->path().filename(), "002.spill");
  EXPECT_EQ(second->of[1].own->owner(), owners[1]);
  EXPECT_EQ(second->warnings, std::vector<std::string>{});
}

}  // namespace
}  // namespace valinor::exporter
