/// Reads what the XDP program has written in front of a received frame (bpf/abi.h).
///
///   packet memory   ... | valinor_rx_metadata | frame ...
///                                             ^ Frame::data
///
/// Nothing of it is believed that our own program cannot have written. A frame without a sound
/// header is as good as one from the plain program: it has no stamp, and the ring's time counts.
/// Data path; the worker's thread.
#pragma once

#include <cstdint>

#include "packet_io/afxdp/config.hpp"
#include "packet_io/frame.hpp"

namespace valinor::packet_io::afxdp {

/// What take_rx_metadata() found.
struct RxMetadataFound {
  bool header = false;    // a sound one
  bool vlan_tag = false;  // put back into the frame
};

/// Moves the header's contents into `frame` and wipes it, so that the same memory never tells it
/// twice. A VLAN tag that the NIC took out is put back: the frame then starts 4 bytes earlier,
/// where the header was. `tells` is what the program was asked to write; of hardware and driver
/// time the first is taken.
RxMetadataFound take_rx_metadata(Frame& frame, const RxMetadataWishes& tells) noexcept;

}  // namespace valinor::packet_io::afxdp
