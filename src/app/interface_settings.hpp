/// The settings of one NIC that a run makes, and puts back at its end.
///
///   construct   puts back what a dead process has left; then sets what the configuration says:
///               number of queues, ring sizes, RSS, steering rules, in this order, as each may undo
///               those behind it
///   nic()       for what else is to be set for as long as the run lasts
///   opened()    once it is known whether its queues can be polled: deferral of interrupts
///   destructor  everything as it was, the newest first; after a crash the next start does it
///
/// Main thread. The destructor may run with CAP_NET_ADMIN as the only privilege left.
#pragma once

#include <cstddef>
#include <string>

#include "nic/settings.hpp"
#include "packet_io/afxdp/config.hpp"
#include "packet_io/afxdp/open_interface.hpp"

namespace valinor::app {

class InterfaceSettings {
 public:
  /// Before the interface is opened, which asks how many queues there are. Throws Failure:
  /// IF-NAME-01; NIC-SET-01, NIC-UNDO-01, with everything put back.
  explicit InterfaceSettings(const packet_io::afxdp::InterfaceConfig& wanted);

  /// Defers interrupts where a worker polls the NIC: without that, packets would wait for a timer.
  /// Where it cannot be done, that is logged.
  void opened(const packet_io::afxdp::OpenInterface& interface);

  [[nodiscard]] nic::Settings& nic() noexcept { return nic_; }

  /// "4 combined channels (was 8); RSS over queues 0 1 (was RSS over all queues)": what the
  /// configuration has changed; empty: nothing.
  [[nodiscard]] const std::string& description() const noexcept { return description_; }

  /// Whether something is to be put back, which takes CAP_NET_ADMIN.
  [[nodiscard]] bool has_changed_nic() const noexcept { return !nic_.changes().empty(); }

 private:
  /// Adds the changes from this one on.
  void describe_from(std::size_t change);

  nic::Settings nic_;
  nic::Deferral deferral_;
  std::string description_;
};

}  // namespace valinor::app
