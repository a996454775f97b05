// How AfxdpPort's socket gets its queue, and what it may ask for the frames that it sends.

#include <fmt/format.h>

#include <cerrno>

#include "base/failure.hpp"
#include "nic/xdp_features.hpp"
#include "packet_io/afxdp/afxdp_port.hpp"

namespace valinor::packet_io::afxdp {

void AfxdpPort::grant(const Interface& interface) {
  const TxMetadataWishes& wishes = transmit_wishes_;
  if (!socket_->takes_tx_metadata()) {
    if (wishes.time) {
      transmit_refusal_ = "this kernel has no transmit metadata (Linux 6.8 and later)";
    }
    return;
  }
  TxMetadataWishes granted = wishes;
  if (zerocopy_) {
    // A driver without them ignores requests silently.
    const auto offers = nic::xdp_features(nic::Device{interface.name}).value_or(nic::XdpFeatures{});
    granted.time = wishes.time && offers.offers(nic::XskFeature::tx_timestamp);
    granted.checksum = wishes.checksum && offers.offers(nic::XskFeature::tx_checksum);
    granted.launch_time = wishes.launch_time && offers.offers(nic::XskFeature::tx_launch_time);
    if (wishes.time && !granted.time) {
      transmit_refusal_ =
          fmt::format("driver {} does not tell them in zero-copy", interface.driver);
    }
  } else {
    // The kernel itself serves requests, and sends at once.
    granted.checksum = wishes.checksum && wishes.software_checksum;
    granted.launch_time = false;
  }
  if (granted.any()) tx_metadata_.emplace(pool_.memory(), granted);
}

void AfxdpPort::bind(const Interface& interface, Mode mode) {
  if (mode == Mode::automatic || mode == Mode::offload || mode == Mode::zerocopy) {
    const int error = socket_->try_bind(interface.index, queue_, true, several_buffers_);
    const bool would_fail_as_copy_too = error == EBUSY || error == EPERM;
    if (error != 0 && (mode == Mode::zerocopy || would_fail_as_copy_too)) {
      refuse_bind(interface, queue_, true, error, pool_.memory().frame_size());
    }
    if (error == 0) {
      zerocopy_ = socket_->is_zerocopy();
      return;
    }
    zerocopy_refusal_ =
        fmt::format("driver {} answered {} to bind(XDP_ZEROCOPY{})", interface.driver,
                    errno_name(error), several_buffers_ ? " | XDP_USE_SG" : "");
  }
  const int error = socket_->try_bind(interface.index, queue_, false, several_buffers_);
  if (error == EINVAL && several_buffers_) {
    require_mtu_fits(interface, pool_.memory().shape(),
                     "this kernel has no packets of several frames (XDP_USE_SG, Linux 6.6)");
  }
  if (error != 0) refuse_bind(interface, queue_, false, error, pool_.memory().frame_size());
  zerocopy_ = socket_->is_zerocopy();
  if (use_ == Use::receive_and_transmit) socket_->send_apart(interface.index, queue_);
}

}  // namespace valinor::packet_io::afxdp
