/// Changes settings of one interface for as long as it lives.
///
///   nic::Settings settings{"enp1s0f0"};
///   settings.set(nic::Channels{.combined = 4});
///   settings.set(nic::FeatureState{"rx-gro-hw", false});
///   settings.set(nic::SteeringRule{{nic::FlowKind::udp4, 5000, QueueId{0}}});
///
/// The destructor puts everything back, newest change first, but what somebody else has changed
/// since. After a crash the next Settings of the same interface does, or restore_left_behind().
/// Set-up and shutdown only, one thread.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "nic/device.hpp"
#include "nic/undo_journal.hpp"

namespace valinor::nic {

class Settings {
 public:
  /// Puts back what a dead process has left on this interface, and logs it. Throws Failure
  /// (IF-NAME-01).
  explicit Settings(const std::string& interface,
                    const std::filesystem::path& folder = kUndoFolder);
  ~Settings();
  Settings(const Settings&) = delete;
  Settings& operator=(const Settings&) = delete;

  [[nodiscard]] const Device& device() const noexcept { return device_; }

  /// Makes the setting `wanted` and answers what it has become: drivers round ring sizes and widen
  /// stamping filters. Where it is so already, nothing is done, now or at the end. Throws Failure:
  /// NIC-SET-01 where the driver refuses (nothing is changed), NIC-UNDO-01.
  Setting set(const Setting& wanted);

  /// What was changed, in this order.
  [[nodiscard]] const std::vector<Change>& changes() const noexcept { return changes_; }

  /// The settings stay when this goes, until somebody calls restore_left_behind(Left::at_all).
  void keep();

 private:
  Device device_;
  UndoJournal journal_;
  std::vector<Change> changes_;
  bool kept_ = false;
};

}  // namespace valinor::nic
