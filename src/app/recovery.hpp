/// Keeps the interfaces in service for as long as the run lasts.
///
///   link down, up          told once each; sockets and program stay, packets flow again by
///                          themselves
///   MTU changed            workers heed it; where frames no longer fit, that is told
///   more queues            told: they are served after a restart
///   removed                the group is closed: workers stop, sockets and program go. What it has
///                          counted stays in the books
///   our program taken off  the same
///   there again            the group is opened again: same queues, workers, record rings, counters
///   not openable           tried again every half second and at every news; the reason is told
///                          once, unless it is that the interface is away, or went meanwhile
///
/// What needs more rights than CAP_NET_RAW does not come back: the filter on the NIC (mode
/// offload), the NIC's times, hash and VLAN tags. Main thread.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

#include "app/wiring.hpp"
#include "nic/link_monitor.hpp"

namespace valinor::app {

class Recovery {
 public:
  using Clock = std::chrono::steady_clock;

  /// The wiring outlives it. Where nothing `may_reopen`, lost interfaces stay lost. Throws
  /// std::system_error where the kernel tells nothing of interfaces.
  Recovery(Wiring& wiring, bool may_reopen);

  /// Readable when check() should be called soon.
  [[nodiscard]] int fd() const noexcept { return monitor_.fd(); }

  /// Looks what has happened and does what is to be done. To be called several times a second;
  /// takes up to some 100 ms where a group is closed, and a second where a queue is not let go.
  void check();

  /// For the end of the run: "veth0 removed 3 times, away 1.204 s"; empty where nothing happened.
  [[nodiscard]] std::string describe() const;

 private:
  /// An interface and what was last seen of it.
  struct Watched {
    packet_io::afxdp::OpenInterface* interface;
    bool up = true;
    std::uint32_t receive_queues = 0;
    Clock::time_point down_since{};
    std::uint64_t times_down = 0, times_lost = 0;
  };
  struct Service {
    Group& group;
    std::vector<Watched> interfaces;
    bool open = true;
    Clock::time_point lost_at{};
    Clock::time_point next_try{};
    Clock::duration away{};
    std::string complaint;  // why it could not be opened; told already
  };

  void look_after(Service& service, bool news);
  void lose(Service& service, Watched& lost);
  void try_again(Service& service);
  static void open(Service& service);
  static void look_at(Service& service, Watched& watched);
  static void adapt_mtu(const Service& service, const Watched& watched, std::uint32_t mtu);

  nic::LinkMonitor monitor_;
  bool may_reopen_;
  std::vector<Service> services_;
};

}  // namespace valinor::app
