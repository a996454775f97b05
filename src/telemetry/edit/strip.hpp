/// The sink's edit: takes the telemetry out, so that the host's stack gets the packet as it was
/// sent.
#pragma once

#include "telemetry/edit/editable_frame.hpp"

namespace valinor::telemetry {

/// Removes int_header, traces and int_host; the frame is then, byte for byte, the one that the
/// first switch or host inserted them into, padding behind the IPv4 packet included. None is
/// added: a frame that becomes shorter than Ethernet's 60 bytes was so before; to pad it is the
/// matter of the device that sends it.
///
/// `stack` is what p4netintel::locate() found in this frame behind `link`. Only P4NetIntel is ever
/// stripped: a Valinor-N packet is a copy for collectors and has nothing left without its stamps.
[[nodiscard]] EditResult strip_p4netintel(EditableFrame& frame, const wire::Link& link,
                                          const p4netintel::Stack& stack) noexcept;

}  // namespace valinor::telemetry
