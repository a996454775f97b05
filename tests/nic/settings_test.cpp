#include "nic/settings.hpp"

#include <cap-ng.h>
#include <sys/wait.h>

#include <csignal>
#include <fstream>

#include "base/log.hpp"
#include "nic/features.hpp"
#include "nic/restore.hpp"
#include "nic_veth.hpp"

namespace valinor::nic {
namespace {

class SettingsTest : public VethTest {
 protected:
  void SetUp() override {
    VethTest::SetUp();
    log::set_level(log::Level::off);
  }
  void TearDown() override {
    log::set_level(log::Level::info);
    VethTest::TearDown();
  }

  static std::uint32_t queues() { return channels(Device{"near"})->now.receive(); }
  static bool gro() { return features(Device{"near"}).at("rx-gro").wanted; }
  static Channels rx_channels(std::uint32_t count) { return {.rx = count, .tx = 4}; }

  /// What `work` changes is left behind by a process that is killed.
  template <class Work>
  static void crash_after(Work work) {
    const pid_t child = ::fork();
    if (child == 0) {
      try {
        work();
      } catch (const std::exception&) {
        ::_exit(1);
      }
      ::raise(SIGKILL);
    }
    int status = 0;
    ::waitpid(child, &status, 0);
    ASSERT_TRUE(WIFSIGNALED(status)) << "the child could not do its work";
  }

  void crash_with(std::vector<Setting> wanted) {
    crash_after([&] {
      Settings settings{"near", folder_.path()};
      for (const Setting& one : wanted) settings.set(one);
      ::raise(SIGKILL);
    });
  }

  std::filesystem::path journal() const {
    return std::filesystem::directory_iterator { folder_.path() } -> path();
  }

  Folder folder_;
};

TEST_F(SettingsTest, AreThereWhileItLives) {
  const bool gro_before = gro();
  {
    Settings settings{"near", folder_.path()};
    settings.set(rx_channels(3));
    settings.set(rx_channels(2));
    settings.set(FeatureState{"rx-gro", !gro_before});
    settings.set(NapiDeferral{2, 200'000});
    EXPECT_EQ(queues(), 2u);
    EXPECT_EQ(gro(), !gro_before);
    EXPECT_EQ(napi_deferral(Device{"near"}), (NapiDeferral{2, 200'000}));
    EXPECT_EQ(folder_.files(), 1u);
  }
  EXPECT_EQ(queues(), 4u);
  EXPECT_EQ(gro(), gro_before);
  EXPECT_EQ(napi_deferral(Device{"near"}), (NapiDeferral{0, 0}));
  EXPECT_EQ(folder_.files(), 0u);
}

/// Calls `work` as one who may not open root's files any more, but may still set up the network.
template <class Work>
void with_net_admin_alone(Work work) {
  const pid_t child = ::fork();
  if (child == 0) {
    ::capng_clear(CAPNG_SELECT_BOTH);
    ::capng_update(CAPNG_ADD, static_cast<capng_type_t>(CAPNG_EFFECTIVE | CAPNG_PERMITTED),
                   CAP_NET_ADMIN);
    const bool is_other = ::capng_change_id(65534, 65534, CAPNG_DROP_SUPP_GRP) == 0;
    ::_exit(is_other && work() ? 0 : 1);
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  EXPECT_EQ(status, 0);
}

TEST_F(SettingsTest, DeferralIsPutBackByTheOpenFiles) {
  const Device device{"near"};
  ASSERT_EQ(set_napi_deferral(device, {2, 200'000}), 0);
  with_net_admin_alone([&] {
    return set_napi_deferral(Device{"near"}, {0, 0}) == EACCES &&
           set_napi_deferral(device, {1, 0}) == 0 && set_napi_deferral(device, {0, 5}) == 0;
  });
  EXPECT_EQ(napi_deferral(device), (NapiDeferral{0, 5}));
}

TEST_F(SettingsTest, WhatIsSoAlreadyIsNotChanged) {
  Settings settings{"near", folder_.path()};
  settings.set(rx_channels(4));
  EXPECT_TRUE(settings.changes().empty());
  EXPECT_EQ(folder_.files(), 0u);
}

TEST_F(SettingsTest, ARefusalIsToldAndChangesNothing) {
  {
    Settings settings{"near", folder_.path()};
    settings.set(rx_channels(2));
    try {
      settings.set(rx_channels(99));
      FAIL() << "taken";
    } catch (const Failure& failure) {
      EXPECT_EQ(failure.finding().code, "NIC-SET-01");
      EXPECT_NE(failure.finding().why.find("EINVAL"), std::string::npos);
    }
    EXPECT_THROW(settings.set(HardwareStamping{1, 1}), Failure);
    EXPECT_THROW(settings.set(RssTable{{0}}), Failure);
    EXPECT_EQ(queues(), 2u);
  }
  EXPECT_EQ(queues(), 4u);
  EXPECT_EQ(folder_.files(), 0u);
}

TEST_F(SettingsTest, NothingIsChangedThatCannotBeNoted) {
  Settings settings{"near", "/proc/nosuch"};
  try {
    settings.set(rx_channels(2));
    FAIL() << "changed";
  } catch (const Failure& failure) {
    EXPECT_EQ(failure.finding().code, "NIC-UNDO-01");
  }
  EXPECT_EQ(queues(), 4u);
}

TEST_F(SettingsTest, AThirdPartysChangeStays) {
  {
    Settings settings{"near", folder_.path()};
    settings.set(rx_channels(2));
    test::run_command("ethtool -L near rx 3");
  }
  EXPECT_EQ(queues(), 3u);
  EXPECT_EQ(folder_.files(), 0u);
}

TEST_F(SettingsTest, ADeviceThatIsGoneNeedsNothing) {
  Settings settings{"near", folder_.path()};
  settings.set(rx_channels(2));
  test::run_command("ip link delete near");
}

TEST_F(SettingsTest, ANewDeviceOfTheSameNameIsLeftAlone) {
  {
    Settings settings{"near", folder_.path()};
    settings.set(rx_channels(2));
    test::run_command("ip link delete near");
    test::VethPair{"near", "far", 4};
    test::run_command("ethtool -L near rx 2");
  }
  EXPECT_EQ(queues(), 2u);
  crash_with({rx_channels(1)});
  test::run_command("ip link delete near");
  test::VethPair{"near", "far", 4};
  test::run_command("ethtool -L near rx 1");
  const auto done = restore_left_behind(Left::by_crash, folder_.path());
  ASSERT_EQ(done.size(), 1u);
  EXPECT_EQ(done[0].result, RestoreResult::device_gone);
  EXPECT_EQ(queues(), 1u);
  EXPECT_EQ(folder_.files(), 0u);
}

TEST_F(SettingsTest, TheNextOneUndoesACrash) {
  const bool gro_before = gro();
  crash_with({rx_channels(3), FeatureState{"rx-gro", !gro_before}, rx_channels(1)});
  EXPECT_EQ(queues(), 1u);
  EXPECT_EQ(folder_.files(), 1u);
  const Settings next{"near", folder_.path()};
  EXPECT_EQ(queues(), 4u);
  EXPECT_EQ(gro(), gro_before);
  EXPECT_EQ(folder_.files(), 0u);
}

TEST_F(SettingsTest, ACrashBetweenNoteAndChangeIsUndoneAsWell) {
  crash_with({rx_channels(2)});
  // The journal as it is when the process dies before it could say what came of the change.
  std::ifstream whole{journal()};
  std::string head, before;
  std::getline(whole, head);
  std::getline(whole, before);
  std::ofstream{journal()} << head << "\n" << before << "\n{\"aft";
  EXPECT_EQ(restore_left_behind(Left::by_crash, folder_.path()).size(), 1u);
  EXPECT_EQ(queues(), 4u);
}

TEST_F(SettingsTest, JournalsThatAreNoneAreRemoved) {
  std::ofstream{folder_.path() / "near.1.0"} << "";
  std::ofstream{folder_.path() / "near.2.0"} << "nonsense\n";
  EXPECT_TRUE(restore_left_behind(Left::at_all, folder_.path()).empty());
  EXPECT_EQ(folder_.files(), 0u);
}

TEST_F(SettingsTest, ABootHasUndoneEverything) {
  crash_with({rx_channels(2)});
  std::ifstream whole{journal()};
  std::string text{std::istreambuf_iterator<char>{whole}, {}};
  text.replace(text.find(boot_id()), 8, "00000000");
  std::ofstream{journal()} << text;
  EXPECT_TRUE(restore_left_behind(Left::by_crash, folder_.path()).empty());
  EXPECT_EQ(queues(), 2u);
  EXPECT_EQ(folder_.files(), 0u);
}

TEST_F(SettingsTest, KeptOnesStayUntilTheyAreAskedFor) {
  {
    Settings settings{"near", folder_.path()};
    settings.set(rx_channels(2));
    settings.keep();
  }
  EXPECT_EQ(queues(), 2u);
  EXPECT_TRUE(restore_left_behind(Left::by_crash, folder_.path()).empty());
  EXPECT_EQ(queues(), 2u);
  const auto done = restore_left_behind(Left::at_all, folder_.path());
  ASSERT_EQ(done.size(), 1u);
  EXPECT_EQ(to_text(done[0]), "near: 4 receive, 4 transmit channels again");
  EXPECT_EQ(queues(), 4u);
}

TEST_F(SettingsTest, WhatALivingProcessNeedsStays) {
  {
    Settings kept{"near", folder_.path()};
    kept.set(rx_channels(3));
    kept.keep();
  }
  {
    Settings living{"near", folder_.path()};
    living.set(rx_channels(2));
    // Putting the kept one back now would make the living one put back a value of the kept one.
    const auto done = restore_left_behind(Left::at_all, folder_.path());
    ASSERT_EQ(done.size(), 1u);
    EXPECT_EQ(done[0].result, RestoreResult::in_use);
    EXPECT_EQ(done[0].process, ::getpid());
    EXPECT_EQ(queues(), 2u);
  }
  EXPECT_EQ(queues(), 3u);
  EXPECT_EQ(restore_left_behind(Left::at_all, folder_.path()).size(), 1u);
  EXPECT_EQ(queues(), 4u);
}

TEST_F(SettingsTest, AnotherNamespacesJournalIsNotForUs) {
  crash_with({rx_channels(2)});
  {
    const test::NetworkNamespace other;
    test::VethPair{"near", "far", 4};
    test::run_command("ethtool -L near rx 2");
    EXPECT_TRUE(restore_left_behind(Left::by_crash, folder_.path()).empty());
    const auto told = restore_left_behind(Left::at_all, folder_.path());
    ASSERT_EQ(told.size(), 1u);
    EXPECT_EQ(told[0].result, RestoreResult::elsewhere);
    EXPECT_EQ(queues(), 2u);
  }
  EXPECT_EQ(restore_left_behind(Left::by_crash, folder_.path()).size(), 1u);
  EXPECT_EQ(queues(), 4u);
}

TEST_F(SettingsTest, OnlyTheInterfaceAskedForIsRestored) {
  crash_with({rx_channels(2)});
  EXPECT_TRUE(restore_left_behind(Left::at_all, folder_.path(), "far").empty());
  EXPECT_EQ(queues(), 2u);
  EXPECT_EQ(restore_left_behind(Left::at_all, folder_.path(), "near").size(), 1u);
}

}  // namespace
}  // namespace valinor::nic
