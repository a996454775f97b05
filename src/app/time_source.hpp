/// Whose stamp says when a packet arrived, as the configuration asks for it.
#pragma once

#include <cstdint>

namespace valinor::app {

/// In the order of the configuration's words.
enum class TimeSource : std::uint8_t {
  automatic,       // the NIC's where it has one, else ours
  hardware,        // the NIC's, or the start fails
  driver,          // the XDP program's, as it runs in the driver
  software,        // ours, when a worker reads the ring
  network_switch,  // the switch's, where telemetry carries one; else ours
};

}  // namespace valinor::app
