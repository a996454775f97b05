#include "nic/link_monitor.hpp"

#include <linux/rtnetlink.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>

#include "base/failure.hpp"

namespace valinor::nic {

LinkMonitor::LinkMonitor()
    : socket_{mnl_socket_open2(NETLINK_ROUTE, SOCK_CLOEXEC | SOCK_NONBLOCK)} {
  if (!socket_ || mnl_socket_bind(socket_.get(), RTMGRP_LINK, MNL_SOCKET_AUTOPID) < 0) {
    throw_errno("listen to what happens to interfaces");
  }
}

int LinkMonitor::fd() const noexcept { return mnl_socket_get_fd(socket_.get()); }

bool LinkMonitor::has_news() noexcept {
  bool news = false;
  std::array<char, 4096> message;  // what does not fit is cut: nobody reads it
  for (;;) {
    if (mnl_socket_recvfrom(socket_.get(), message.data(), message.size()) >= 0) {
      news = true;
      continue;
    }
    // ENOBUFS: overrun. ENOSPC: cut.
    if (errno != ENOBUFS && errno != ENOSPC) return news;
    news = true;
  }
}

}  // namespace valinor::nic
