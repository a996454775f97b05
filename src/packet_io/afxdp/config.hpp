/// What the AF_XDP port needs to know of the configuration.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/units.hpp"
#include "nic/config.hpp"

namespace valinor::packet_io::afxdp {

/// How packets get from the NIC to user space. What is asked for; a socket reports what it got.
enum class Mode : std::uint8_t {
  automatic,  // the best of the following that works, tried in this order
  zerocopy,   // native XDP; the NIC writes into our memory
  copy,       // native XDP; the kernel copies once
  skb,        // generic XDP: any NIC; the kernel allocates a socket buffer per packet
  offload,    // a filter on the NIC itself, in front of zero-copy or copy
};

/// What a worker does when no packet is there.
enum class PollMode : std::uint8_t {
  automatic,  // spins for a while, then sleeps
  busy,       // spins: lowest latency, burns its core
  wakeup,     // sleeps at once
};

/// What becomes of frames that are not telemetry.
enum class OtherTraffic : std::uint8_t {
  kernel,   // to the host's stack, as if this program were not there
  forward,  // to the sockets as well, for a worker that passes them on
  drop,
};

/// The name in the configuration: "kernel".
[[nodiscard]] constexpr std::string_view to_name(OtherTraffic other) noexcept {
  switch (other) {
    case OtherTraffic::kernel: return "kernel";
    case OtherTraffic::forward: return "forward";
    case OtherTraffic::drop: return "drop";
  }
  return "?";
}

/// What is to be found out about each received frame, where the kernel and the driver can say it.
/// All but the driver's time need native XDP and Linux 6.3.
struct RxMetadataWishes {
  bool hardware_time = false;  // the NIC's clock at arrival
  bool driver_time = false;    // CLOCK_MONOTONIC when the XDP program ran; about 40 ns a packet
  bool hash = false;           // the NIC's, of the flow
  bool vlan_tag = false;       // one that the NIC has taken out of the frame: it is put back

  [[nodiscard]] bool need_driver() const noexcept { return hardware_time || hash || vlan_tag; }
  [[nodiscard]] bool any() const noexcept { return need_driver() || driver_time; }
};

/// What is to be asked for each frame that is sent, where the kernel (Linux 6.8) and, in zero-copy,
/// the NIC can do it.
struct TxMetadataWishes {
  bool time = false;               // when it left
  bool checksum = false;           // that the NIC completes the checksum that Frame names
  bool launch_time = false;        // that it leaves at Frame::launch_ns (Linux 6.14)
  bool software_checksum = false;  // copy mode: the kernel completes it, in place of the NIC

  [[nodiscard]] bool any() const noexcept { return time || checksum || launch_time; }
  friend bool operator==(const TxMetadataWishes&, const TxMetadataWishes&) = default;
};

/// What else is wished of a port's socket.
struct SocketWishes {
  std::uint32_t busy_poll_budget = 0;  // preferred busy polling, by so many packets; 0: none
};

/// Entries; powers of two.
struct RingSizes {
  std::uint32_t rx = 2048;
  std::uint32_t fill = 4096;
  std::uint32_t tx = 2048;
  std::uint32_t completion = 4096;
};

/// Whether packet memory is in pages of 2 MiB.
enum class HugePages : std::uint8_t {
  automatic,  // where there are free ones; else the kernel is asked to make some of small ones
  require,    // or it is an error
  off,
};

/// Packet memory of one queue.
struct UmemConfig {
  std::uint32_t frames = 8192;
  std::uint32_t frame_size = 0;  // bytes: 2048 or 4096; 0 until choose_frame_size() has chosen
  std::uint32_t headroom = 0;    // bytes in front of a received frame, besides kHeadroom
  HugePages huge_pages = HugePages::automatic;
  std::optional<int> numa_node = std::nullopt;  // of the NIC; nothing: any
};

/// What ports are for.
enum class Use : std::uint8_t {
  receive_and_transmit,
  receive_only,   // has no socket of its own for sending
  transmit_only,  // gives the kernel no frames to receive into, and keeps all of them to send
};

struct InterfaceConfig {
  std::string name;
  std::vector<QueueId> queues;  // empty: all that the interface has
  Mode mode = Mode::automatic;
  // Mode::offload: of the frames that no rule matches, one in so many still comes through the
  // filter; 2 and more, or 0 for none.
  std::uint32_t offload_sample = 0;
  std::vector<CpuId> cpus;  // one for each queue, repeated if fewer; empty: chosen by the program
  UmemConfig umem;
  RingSizes rings;
  PollMode poll = PollMode::automatic;
  bool prefer_busy_poll = false;  // the worker drives the NIC's NAPI, in place of its interrupts
  std::uint32_t busy_poll_budget = 64;  // ... and takes so many packets at a time
  bool promiscuous = false;             // receive frames for any destination address
  bool takeover = false;                // an XDP program that is there already is taken off
  nic::NicConfig settings;              // of the NIC itself
  RxMetadataWishes metadata;
  TxMetadataWishes transmit;
  Use use = Use::receive_and_transmit;
};

}  // namespace valinor::packet_io::afxdp
