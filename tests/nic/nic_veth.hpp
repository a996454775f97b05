/// What the tests of nic/ share: a veth pair in a namespace of its own, with a /sys that shows it.
#pragma once

#include <gtest/gtest.h>
#include <sched.h>
#include <sys/mount.h>
#include <unistd.h>

#include <filesystem>
#include <optional>
#include <string>

#include "base/failure.hpp"
#include "support/netns.hpp"

namespace valinor::nic {

/// Mounts of this process are its own from the first test on.
inline void have_own_mounts() {
  static const bool once = [] {
    if (::unshare(CLONE_NEWNS) != 0) throw_errno("make a mount namespace");
    return ::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0;
  }();
  if (!once) throw std::runtime_error{"cannot keep mounts private"};
}

/// "near" is under test, "far" is the network. /sys shows this namespace.
class VethTest : public testing::Test {
 protected:
  void SetUp() override {
    if (::geteuid() != 0) GTEST_SKIP() << "network namespaces need root";
    have_own_mounts();
    network_.emplace();
    if (::mount("sysfs", "/sys", "sysfs", 0, nullptr) != 0) throw_errno("mount /sys");
    test::VethPair{"near", "far", 4};
  }
  void TearDown() override {
    if (network_) ::umount2("/sys", MNT_DETACH);
  }

  std::optional<test::NetworkNamespace> network_;
};

/// A folder that goes with the test.
class Folder {
 public:
  Folder() {
    std::string name = std::filesystem::temp_directory_path() / "valinor-nic-XXXXXX";
    if (::mkdtemp(name.data()) == nullptr) throw_errno("make a folder");
    path_ = name;
  }
  ~Folder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;

  [[nodiscard]] const std::filesystem::path& path() const { return path_; }
  [[nodiscard]] std::size_t files() const {
    using Entries = std::filesystem::directory_iterator;
    return static_cast<std::size_t>(std::distance(Entries{path_}, Entries{}));
  }

 private:
  std::filesystem::path path_;
};

}  // namespace valinor::nic
