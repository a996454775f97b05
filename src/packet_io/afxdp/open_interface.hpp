/// Opens an interface as the configuration asks: the program and one port for each queue.
///
///   mode      automatic = zero-copy, else native copy, else skb (generic XDP)
///             offload = zero-copy, else native copy, behind a filter on the NIC
///   program   the one that tells what config.metadata wishes, else the plain one
///
///   lost      an interface that is removed takes sockets and program along; once one of its name
///             is there again, reopen() does what the constructor did, with CAP_NET_RAW alone. What
///             it cannot do without more (the filter on the NIC, what the NIC says of frames) is
///             left out.
///
/// Set-up, recovery and shutdown only, one thread; no worker uses the ports meanwhile.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/failure.hpp"
#include "packet_io/afxdp/afxdp_port.hpp"
#include "packet_io/afxdp/config.hpp"
#include "packet_io/afxdp/interface.hpp"
#include "packet_io/afxdp/offload_program.hpp"
#include "packet_io/afxdp/redirect_program.hpp"
#include "wire/match.hpp"

namespace valinor::packet_io::afxdp {

using FramePools = std::vector<std::unique_ptr<FramePool>>;

/// "2 x 32 MiB (2 MiB pages)"
[[nodiscard]] std::string describe(const FramePools& pools);

/// An interface with everything bound and attached. Nothing arrives before steer().
class OpenInterface {
 public:
  /// Pool i is for the i-th queue; pools that are not there yet are made as asked.umem says. An
  /// interface opened after another with the same pools shares packet memory with it, queue by
  /// queue. They outlive both. Throws Failure where the host cannot do what is asked.
  OpenInterface(const InterfaceConfig& asked, const wire::MatchRules& rules, OtherTraffic other,
                FramePools& pools);
  ~OpenInterface();
  OpenInterface(const OpenInterface&) = delete;
  OpenInterface& operator=(const OpenInterface&) = delete;

  /// Whether program and sockets are on the interface still.
  [[nodiscard]] bool is_open() const noexcept { return program_->is_attached(); }

  /// Gives everything back. The pools must be reset before they are used again.
  void close() noexcept;

  /// After close(): opens the interface that has the name now, queue by queue in the same pools.
  /// Throws Failure as the constructor does, and IF-OTHER-01 where it is another kind of interface
  /// now; it is closed then.
  void reopen();

  /// Lets telemetry in. Each port's thread should be running.
  void steer();

  /// From its return on, nothing more arrives; what did can still be received.
  void unsteer() noexcept { program_->unsteer(); }

  /// What has changed of the interface without a loss.
  void set_mtu(std::uint32_t mtu) noexcept { interface_.mtu = mtu; }

  [[nodiscard]] const InterfaceConfig& config() const noexcept { return config_; }
  [[nodiscard]] const Interface& interface() const noexcept { return interface_; }
  [[nodiscard]] const std::vector<std::unique_ptr<AfxdpPort>>& ports() const noexcept {
    return ports_;
  }
  [[nodiscard]] const RedirectProgram& program() const noexcept { return *program_; }

  /// What a port got: zerocopy, copy or skb.
  [[nodiscard]] Mode mode_of(const AfxdpPort& port) const noexcept;

  /// Whether a filter runs on the NIC itself.
  [[nodiscard]] bool has_filter_on_nic() const noexcept { return filter_ != nullptr; }

  /// What else the port obtained: ", packets of several frames, busy polling"; or nothing.
  [[nodiscard]] static std::string extras_of(const AfxdpPort& port);

  /// What was wished for and not obtained, and is no reason not to start (XSK-BUSYPOLL-01).
  [[nodiscard]] std::vector<Finding> findings() const;

  /// Why it is not a better one, where one was tried; else empty.
  [[nodiscard]] std::string refusal_of(const AfxdpPort& port) const;

  /// Why the program does not tell of received frames what was wished; else empty.
  [[nodiscard]] const std::string& metadata_refusal() const noexcept { return metadata_refusal_; }

 private:
  struct Rules;  // what the program is loaded for

  void find();
  void attach(const Rules& rules);
  void run_program(const Rules& rules, const RxMetadataWishes& wishes, AttachMode mode);
  [[nodiscard]] bool try_metadata(const Rules& rules);
  void attach_again();
  void expect_headers();
  [[nodiscard]] Mode mode_to_ask() const noexcept;

  InterfaceConfig config_;
  Interface interface_;
  UniqueFd promiscuous_;          // the interface is so while this socket is open
  bool takes_fragments_ = false;  // the program takes packets of several buffers
  AttachMode attach_mode_ = AttachMode::native;
  std::string native_refusal_;
  std::string metadata_refusal_;
  std::vector<std::unique_ptr<AfxdpPort>> ports_;
  // Goes before the sockets, also where a constructor gives up half-way: NICs have written into the
  // memory of closed ones.
  std::unique_ptr<RedirectProgram> program_;
  std::unique_ptr<OffloadProgram> filter_;
};

/// "zerocopy", "copy", "skb", "auto".
[[nodiscard]] std::string_view to_name(Mode mode) noexcept;

}  // namespace valinor::packet_io::afxdp
