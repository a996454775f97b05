/// Tells when interfaces of the calling thread's network namespace come, go or change (rtnetlink's
/// link messages). It says only that something has happened: what is so now, link_of() and whoever
/// holds something on the interface know better than a message that may have been overrun.
#pragma once

#include <libmnl/libmnl.h>

#include <memory>

namespace valinor::nic {

/// One thread.
class LinkMonitor {
 public:
  /// From here on nothing is missed. Throws std::system_error.
  LinkMonitor();

  /// Readable when something has happened: for poll().
  [[nodiscard]] int fd() const noexcept;

  /// Whether something has happened since the last call. Does not wait.
  [[nodiscard]] bool has_news() noexcept;

 private:
  struct Close {
    void operator()(mnl_socket* socket) const noexcept { mnl_socket_close(socket); }
  };
  std::unique_ptr<mnl_socket, Close> socket_;
};

}  // namespace valinor::nic
