#include "app/interface_time.hpp"

#include <fmt/format.h>
#include <linux/net_tstamp.h>

#include <utility>

#include "base/failure.hpp"
#include "base/log.hpp"
#include "nic/ethtool.hpp"
#include "nic/timestamping.hpp"
#include "nic/xdp_features.hpp"

namespace valinor::app {
namespace {

using packet_io::afxdp::Mode;
using packet_io::afxdp::OpenInterface;

std::string driver_of(const nic::Device& device) {
  const auto info = nic::driver_info(device);
  return info ? "driver " + info->driver : "its driver";
}

}  // namespace

InterfaceTime::InterfaceTime(nic::Settings& settings, Mode mode, TimeSource source,
                             clock::ClockName published, bool departures)
    : source_{source}, published_{published}, settings_{settings} {
  wishes_.driver_time = source == TimeSource::driver;
  if (departures && mode != Mode::skb) stamp_departures();
  if (source != TimeSource::automatic && source != TimeSource::hardware) return;
  std::string why_not = find_hardware(mode);
  wishes_.hardware_time = why_not.empty();
  if (!why_not.empty()) give_up_hardware(std::move(why_not));
}

/// Sets the NIC to stamp and opens its clock; answers why it cannot, or nothing.
std::string InterfaceTime::find_hardware(Mode mode) {
  if (mode == Mode::skb) return "mode skb runs behind the driver";
  const nic::Device& device = settings_.device();
  const auto abilities = nic::timestamp_abilities(device);
  if (!abilities || !abilities->stamps_ptp_received()) {
    return driver_of(device) + " stamps no received packets in hardware";
  }
  if (!abilities->stamps_all_received()) {
    return driver_of(device) + " stamps only PTP packets in hardware";
  }
  if (abilities->phc < 0) return driver_of(device) + " has no clock (PHC) behind its stamps";
  const auto features = nic::xdp_features(device);
  if (!features) return "this kernel has no XDP metadata (Linux 6.3 and later)";
  if (features->rx_metadata && !features->tells(nic::RxMetadata::timestamp)) {
    return driver_of(device) + " tells XDP programs no time";
  }
  try {
    open_clock(abilities->phc);
    auto stamping = nic::hardware_stamping(device).value_or(nic::HardwareStamping{});
    stamping.rx_filter = HWTSTAMP_FILTER_ALL;
    settings_.set(stamping);
    wishes_.hash = features->tells(nic::RxMetadata::hash);
  } catch (const Failure& failure) {
    return failure.finding().what + ": " + failure.finding().why;
  }
  return {};
}

/// Where it cannot, packets' times of leaving are the kernel's, or nobody's.
void InterfaceTime::stamp_departures() {
  const nic::Device& device = settings_.device();
  const auto abilities = nic::timestamp_abilities(device);
  if (!abilities || !abilities->stamps_sent() || abilities->phc < 0) return;
  try {
    open_clock(abilities->phc);
    auto stamping = nic::hardware_stamping(device).value_or(nic::HardwareStamping{});
    stamping.tx_type = HWTSTAMP_TX_ON;
    settings_.set(stamping);
    stamps_departures_ = true;
  } catch (const Failure& failure) {
    log::warning("{}: {}", failure.finding().what, failure.finding().why);
  }
}

void InterfaceTime::open_clock(int phc) {
  if (!phc_) phc_.emplace(published_, phc);
}

void InterfaceTime::give_up_hardware(std::string why) {
  if (!stamps_departures_) phc_.reset();
  wishes_.hardware_time = false;
  why_not_ = std::move(why);
  if (source_ != TimeSource::hardware) return;
  const std::string& name = settings_.device().name();
  throw Failure{ExitStatus::host_not_ready,
                {.code = "TIME-HW-01",
                 .what = name + ": no hardware time for received packets",
                 .why = why_not_,
                 .next = fmt::format("timestamp.source: auto    takes what there is\n"
                                     "ethtool -T {}    shows what the NIC can",
                                     name)}};
}

void InterfaceTime::opened(const OpenInterface& interface) {
  if (wishes_.hardware_time && !interface.program().tells().hardware_time) {
    give_up_hardware(interface.metadata_refusal());
  }
}

void InterfaceTime::adjust() {
  if (phc_) phc_->adjust();
}

std::optional<clock::PhcQuality> InterfaceTime::quality() {
  if (!phc_) return std::nullopt;
  return phc_->quality();
}

std::string InterfaceTime::describe() {
  if (wishes_.hardware_time) return "hardware, " + clock::to_text(phc_->quality());
  if (source_ == TimeSource::driver) return "driver: when the XDP program ran";
  std::string text = source_ == TimeSource::network_switch
                         ? "switch, where telemetry carries its time; else software"
                         : "software: when a worker read the ring";
  if (!why_not_.empty()) text += fmt::format(" ({})", why_not_);
  return text;
}

}  // namespace valinor::app
