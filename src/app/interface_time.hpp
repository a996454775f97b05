/// Where the arrival times of one interface's packets come from.
///
///   construct   asks the NIC what it can; sets it to stamp what it receives; compares its clock
///   wishes()    what the XDP program is to tell
///   opened()    once that is loaded: whether it does
///   adjust()    every 100 to 250 ms, from then on
///   At the end of `settings` the NIC stamps again what it did before.
///
/// Main thread, but clock(), which workers use.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "app/time_source.hpp"
#include "clock/config.hpp"
#include "clock/phc_discipline.hpp"
#include "nic/settings.hpp"
#include "packet_io/afxdp/config.hpp"
#include "packet_io/afxdp/open_interface.hpp"

namespace valinor::app {

class InterfaceTime {
 public:
  /// `settings` are the interface's, and outlive this. Throws Failure: TIME-HW-01 where the
  /// configuration insists on hardware time and there is none. With `departures`, the NIC is set to
  /// stamp what it sends too, where it can.
  InterfaceTime(nic::Settings& settings, packet_io::afxdp::Mode mode, TimeSource source,
                clock::ClockName published, bool departures);
  InterfaceTime(const InterfaceTime&) = delete;
  InterfaceTime& operator=(const InterfaceTime&) = delete;

  [[nodiscard]] const packet_io::afxdp::RxMetadataWishes& wishes() const noexcept {
    return wishes_;
  }

  /// Throws Failure (TIME-HW-01) as above, where kernel or driver have refused the program.
  void opened(const packet_io::afxdp::OpenInterface& interface);

  /// The clock of the NIC's stamps; null where there are none to use. Stays where it is.
  [[nodiscard]] const clock::PhcDiscipline* clock() const noexcept {
    return phc_ ? &*phc_ : nullptr;
  }

  void adjust();

  /// One line: "hardware, by ptp2 ...", or "software: driver igb tells XDP programs no time".
  [[nodiscard]] std::string describe();

  /// Its clock's quality; nothing where it is not used.
  [[nodiscard]] std::optional<clock::PhcQuality> quality();

 private:
  [[nodiscard]] std::string find_hardware(packet_io::afxdp::Mode mode);
  void stamp_departures();
  void open_clock(int phc);
  void give_up_hardware(std::string why);

  TimeSource source_;
  clock::ClockName published_;
  nic::Settings& settings_;
  packet_io::afxdp::RxMetadataWishes wishes_;
  std::optional<clock::PhcDiscipline> phc_;
  bool stamps_departures_ = false;
  std::string why_not_;  // no hardware time
};

}  // namespace valinor::app
