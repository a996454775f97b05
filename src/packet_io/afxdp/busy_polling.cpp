// Preferred busy polling of AfxdpPort: the worker's system calls run the NIC's NAPI, which then
// needs no interrupts and runs on no other core.

#include <fmt/format.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/utsname.h>

#include <cerrno>

#include "base/failure.hpp"
#include "base/kernel_version.hpp"
#include "packet_io/afxdp/afxdp_port.hpp"

namespace valinor::packet_io::afxdp {
namespace {

/// Later kernels are told by the driver which NAPI serves a queue, when the socket is bound;
/// earlier ones see it with the first packet.
constexpr KernelVersion kNapiKnownAtBind{6, 13, 0};

KernelVersion running_kernel() {
  utsname name{};
  ::uname(&name);
  return parse_kernel_version(name.release);
}

}  // namespace

/// Before the bind.
void AfxdpPort::prefer_busy_polling() {
  if (wishes_.busy_poll_budget == 0) return;
  const int error = socket_->prefer_busy_polling(wishes_.busy_poll_budget);
  if (error == 0) return;
  busy_poll_refusal_ =
      fmt::format("kernel said {} to SO_PREFER_BUSY_POLL: {}", errno_name(error),
                  error == EPERM ? "CAP_NET_ADMIN is missing" : "it came with Linux 5.11");
}

/// After it.
void AfxdpPort::find_napi(const Interface& interface) {
  if (wishes_.busy_poll_budget == 0 || !busy_poll_refusal_.empty()) return;
  if (socket_->napi_id() != 0) {
    busy_polling_ = BusyPolling::on;
  } else if (running_kernel() < kNapiKnownAtBind) {
    busy_polling_ = BusyPolling::from_first_packet;
  } else {
    busy_poll_refusal_ = fmt::format(
        "driver {} does not tell the kernel which NAPI serves the queue (SO_INCOMING_NAPI_ID is 0)",
        interface.driver);
  }
}

/// In place of wake_transmit() and wake_receive(), on each turn.
void AfxdpPort::poll_busily() noexcept {
  if (!is_busy_polling() && counters_.received.value() != 0) {
    busy_polling_.store(socket_->napi_id() != 0 ? BusyPolling::on : BusyPolling::off,
                        std::memory_order_relaxed);
  }
  if (!is_busy_polling()) {
    wake_transmit();
    return wake_receive();
  }
  if (!zerocopy_) wake_transmit();  // in copy mode nothing else sends
  counters_.wakes.add(1);
  ::recvfrom(socket_->fd(), nullptr, 0, MSG_DONTWAIT, nullptr, nullptr);
  if (zerocopy_ && transmit_pending() != 0) {
    // The NAPI that was polled is the one for receiving. Drivers with another one for sending
    // (virtio_net) are woken by poll(2) alone: the kernel ignores sendto(2) on such a socket.
    pollfd source{socket_->fd(), POLLOUT, 0};
    counters_.wakes.add(1);
    ::poll(&source, 1, 0);
  }
}

}  // namespace valinor::packet_io::afxdp
