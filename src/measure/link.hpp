/// Where packets are measured: they leave by one interface and arrive at the same one, sent back by
/// whoever is tested, or at another one.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include "packet_io/afxdp/open_interface.hpp"
#include "wire/match.hpp"

namespace valinor::measure {

/// Both interfaces with all or the given queues. Set-up and measurement by one thread.
class Link {
 public:
  using Ports = std::vector<packet_io::afxdp::AfxdpPort*>;

  /// `receive` is `send` where packets come back. Throws Failure as OpenInterface does. Packets of
  /// P4NetIntel and Valinor-N, and what is left of those without telemetry, arrive from now on.
  Link(const std::string& send, const std::string& receive, const std::vector<QueueId>& queues);
  ~Link();
  Link(const Link&) = delete;
  Link& operator=(const Link&) = delete;

  [[nodiscard]] const Ports& senders() const noexcept { return senders_; }
  [[nodiscard]] const Ports& receivers() const noexcept { return receivers_; }

  /// Sends what is in the rings, and takes back what was sent.
  void flush() const noexcept;

  /// "eth0: igc, 4 queues, zerocopy" for each interface.
  [[nodiscard]] std::vector<std::string> describe() const;

  /// Bytes that a packet may have.
  [[nodiscard]] std::size_t largest_frame() const;

 private:
  void open(const std::string& name, const std::vector<QueueId>& queues, Ports& ports);

  std::vector<packet_io::afxdp::FramePools> pools_;  // of each interface; they outlive those
  std::vector<std::unique_ptr<packet_io::afxdp::OpenInterface>> interfaces_;
  Ports senders_;
  Ports receivers_;
};

}  // namespace valinor::measure
