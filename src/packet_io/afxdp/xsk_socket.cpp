#include "packet_io/afxdp/xsk_socket.hpp"

#include <fmt/format.h>
#include <linux/if_xdp.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstddef>
#include <exception>
#include <thread>
#include <tuple>
#include <utility>

#include "base/failure.hpp"
#include "base/log.hpp"
#include "packet_io/afxdp/tx_metadata.hpp"

namespace valinor::packet_io::afxdp {
namespace {

/// How long a taken queue is asked for. Closed sockets have let go after 29 ms at worst; a whole
/// second also covers slow drivers and is not yet annoying.
constexpr auto kBindPatience = std::chrono::seconds{1};
constexpr auto kBindPause = std::chrono::milliseconds{2};

/// linux/if_xdp.h of Debian 12 lacks it (Linux 6.6): XDP_USE_SG.
constexpr int kUseSeveralBuffers = 1 << 4;

/// ... and XDP_MAX_TX_SKB_BUDGET (Linux 6.17).
constexpr int kTransmitBudgetOption = 9;

/// Frames that the kernel may send in one call in copy mode; a burst and what is left of the one
/// before it. It would be 32.
constexpr std::uint32_t kTransmitBudget = 128;

/// Any number but 0 has a call poll; ours poll once, since they do not wait. More would count for
/// calls that do.
constexpr int kBusyPollMicros = 20;

UniqueFd open_socket() {
  UniqueFd fd{::socket(AF_XDP, SOCK_RAW | SOCK_CLOEXEC, 0)};
  if (fd) return fd;
  if (errno == EPERM) {
    throw Failure{ExitStatus::not_permitted,
                  {.code = "CAP-RAW-01",
                   .what = "cannot open an AF_XDP socket",
                   .why = "kernel said EPERM: CAP_NET_RAW is missing",
                   .next = kRunPrivileged}};
  }
  if (errno == EAFNOSUPPORT || errno == ESOCKTNOSUPPORT) {
    throw Failure{
        ExitStatus::host_not_ready,
        {.code = "XSK-KERNEL-01",
         .what = "cannot open an AF_XDP socket",
         .why = "this kernel was built without CONFIG_XDP_SOCKETS (" + describe_errno(errno) + ")",
         .next = "zgrep XDP_SOCKETS /proc/config.gz /boot/config-$(uname -r)"}};
  }
  throw_errno("open an AF_XDP socket");
}

/// Without CAP_IPC_LOCK the pinned packet memory counts against this limit.
void raise_memlock_limit() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_MEMLOCK, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY) return;
  const rlimit unlimited{RLIM_INFINITY, RLIM_INFINITY};
  if (::setrlimit(RLIMIT_MEMLOCK, &unlimited) == 0) return;
  limit.rlim_cur = limit.rlim_max;  // what an unprivileged process may do; registration will tell
  ::setrlimit(RLIMIT_MEMLOCK, &limit);
}

[[noreturn]] void refuse_memory(const Umem& umem) {
  rlimit limit{};
  ::getrlimit(RLIMIT_MEMLOCK, &limit);
  const std::uint64_t kib = umem.bytes() / 1024;
  throw Failure{
      ExitStatus::host_not_ready,
      {.code = "MEM-LOCK-01",
       .what = fmt::format("cannot register {} KiB of packet memory", kib),
       .why = fmt::format("kernel said ENOBUFS: RLIMIT_MEMLOCK is {} KiB and CAP_IPC_LOCK is "
                          "missing (this is not about socket buffers)",
                          limit.rlim_cur / 1024),
       .next = fmt::format("allow {} KiB for each queue, or all:\n"
                           "systemd: LimitMEMLOCK=infinity    "
                           "shell: sudo prlimit --pid $$ --memlock=unlimited",
                           kib)}};
}

/// struct xdp_umem_reg since Linux 6.8; its last field is padding before.
struct UmemRegistration {
  std::uint64_t start;
  std::uint64_t bytes;
  std::uint32_t frame_size;
  std::uint32_t headroom;
  std::uint32_t flags;
  std::uint32_t tx_metadata_bytes;
};
static_assert(sizeof(UmemRegistration) == sizeof(xdp_umem_reg));

/// Answers whether requests may stand in front of frames. Older kernels refuse the flag.
bool register_memory(int fd, const Umem& umem, const TxMetadataWishes& transmit) {
  UmemRegistration registration{.start = reinterpret_cast<std::uint64_t>(umem.at(0)),
                                .bytes = umem.bytes(),
                                .frame_size = umem.frame_size(),
                                .headroom = umem.extra_headroom(),
                                .flags = 0,
                                .tx_metadata_bytes = 0};
  const auto registers = [&] {
    return ::setsockopt(fd, SOL_XDP, XDP_UMEM_REG, &registration, sizeof registration) == 0;
  };
  if (transmit.any()) {
    registration.flags = tx_kernel::kUmemMetadata |
                         (transmit.software_checksum ? tx_kernel::kUmemSoftwareChecksum : 0);
    registration.tx_metadata_bytes = kTxMetadataBytes;
    if (registers()) return true;
    registration.flags = registration.tx_metadata_bytes = 0;
  }
  if (registers()) return false;
  if (errno == ENOBUFS) refuse_memory(umem);
  throw_errno("register packet memory with an AF_XDP socket");
}

void set_ring_size(int fd, int option, std::uint32_t entries, const char* name) {
  if (::setsockopt(fd, SOL_XDP, option, &entries, sizeof entries) != 0) {
    throw_errno(fmt::format("make an AF_XDP {} ring of {} entries", name, entries));
  }
}

/// What the kernel answers to a question about an AF_XDP socket.
template <class Answer>
Answer ask(int fd, int option, const char* doing) {
  Answer answer{};
  socklen_t bytes = sizeof answer;
  if (::getsockopt(fd, SOL_XDP, option, &answer, &bytes) != 0) throw_errno(doing);
  return answer;
}

xdp_mmap_offsets ask_offsets(int fd) {
  return ask<xdp_mmap_offsets>(fd, XDP_MMAP_OFFSETS, "ask where the AF_XDP rings are");
}

xdp_statistics ask_statistics(int fd) {
  return ask<xdp_statistics>(fd, XDP_STATISTICS, "ask an AF_XDP socket for its statistics");
}

/// Maps one ring and points `ring` into it. The cached indices start where the kernel's do, at 0;
/// a producer caches the consumer's index plus the size, as xdp/xsk.h wants it.
template <class Ring>
Mapping map_ring(int fd, Ring& ring, const xdp_ring_offset& offset, std::uint32_t entries,
                 std::size_t entry_bytes, std::uint64_t page_offset) {
  Mapping memory = Mapping::shared(fd, offset.desc + entries * entry_bytes,
                                   static_cast<long>(page_offset), "map an AF_XDP ring");
  ring.mask = entries - 1;
  ring.size = entries;
  ring.producer = reinterpret_cast<std::uint32_t*>(memory.data() + offset.producer);
  ring.consumer = reinterpret_cast<std::uint32_t*>(memory.data() + offset.consumer);
  ring.flags = reinterpret_cast<std::uint32_t*>(memory.data() + offset.flags);
  ring.ring = memory.data() + offset.desc;
  return memory;
}

/// Gives a socket a TX ring, and maps it.
Mapping make_tx_ring(int fd, xsk_ring_prod& ring, const xdp_ring_offset& offset,
                     std::uint32_t entries) {
  set_ring_size(fd, XDP_TX_RING, entries, "TX");
  Mapping memory = map_ring(fd, ring, offset, entries, sizeof(xdp_desc), XDP_PGOFF_TX_RING);
  ring.cached_cons = entries;
  // Older kernels know no such option; then a burst takes two calls.
  const std::uint32_t budget = std::min(kTransmitBudget, entries);
  std::ignore = ::setsockopt(fd, SOL_XDP, kTransmitBudgetOption, &budget, sizeof budget);
  return memory;
}

sockaddr_xdp address_of(InterfaceIndex interface, QueueId queue) noexcept {
  sockaddr_xdp address{};
  address.sxdp_family = AF_XDP;
  address.sxdp_ifindex = interface.value();
  address.sxdp_queue_id = queue.value();
  return address;
}

bool bind_to(int fd, const sockaddr_xdp& address) noexcept {
  return ::bind(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
}

}  // namespace

XskSocket::XskSocket(const Umem& umem, const RingSizes& sizes, const TxMetadataWishes& transmit)
    : fd_{open_socket()} {
  const int fd = fd_.get();
  raise_memlock_limit();
  takes_tx_metadata_ = register_memory(fd, umem, transmit);
  set_ring_size(fd, XDP_UMEM_FILL_RING, sizes.fill, "fill");
  set_ring_size(fd, XDP_UMEM_COMPLETION_RING, sizes.completion, "completion");
  set_ring_size(fd, XDP_RX_RING, sizes.rx, "RX");

  const xdp_mmap_offsets at = ask_offsets(fd);
  tx_memory_ = make_tx_ring(fd, tx, at.tx, sizes.tx);
  fill_memory_ =
      map_ring(fd, fill, at.fr, sizes.fill, sizeof(std::uint64_t), XDP_UMEM_PGOFF_FILL_RING);
  completion_memory_ = map_ring(fd, completion, at.cr, sizes.completion, sizeof(std::uint64_t),
                                XDP_UMEM_PGOFF_COMPLETION_RING);
  rx_memory_ = map_ring(fd, rx, at.rx, sizes.rx, sizeof(xdp_desc), XDP_PGOFF_RX_RING);
  fill.cached_cons = sizes.fill;
}

int XskSocket::try_bind(InterfaceIndex interface, QueueId queue, bool zerocopy,
                        bool several_buffers) {
  sockaddr_xdp address = address_of(interface, queue);
  address.sxdp_flags =
      static_cast<std::uint16_t>((zerocopy ? XDP_ZEROCOPY : XDP_COPY) | XDP_USE_NEED_WAKEUP |
                                 (several_buffers ? kUseSeveralBuffers : 0));
  const auto deadline = std::chrono::steady_clock::now() + kBindPatience;
  for (;;) {
    if (bind_to(fd_.get(), address)) return 0;
    if (errno != EBUSY || std::chrono::steady_clock::now() >= deadline) return errno;
    std::this_thread::sleep_for(kBindPause);
  }
}

void XskSocket::send_apart(InterfaceIndex interface, QueueId queue) {
  try {
    UniqueFd sender = open_socket();
    xsk_ring_prod ring{};
    Mapping memory = make_tx_ring(sender.get(), ring, ask_offsets(sender.get()).tx, tx.size);
    sockaddr_xdp address = address_of(interface, queue);
    address.sxdp_flags = XDP_SHARED_UMEM;
    address.sxdp_shared_umem_fd = static_cast<std::uint32_t>(fd_.get());
    if (!bind_to(sender.get(), address)) throw_errno("bind a second AF_XDP socket to the queue");
    tx = ring;
    tx_memory_ = std::move(memory);
    sender_ = std::move(sender);
  } catch (const std::exception& error) {
    log::debug("queue {}: the socket that receives sends as well: {}", queue.value(), error.what());
  }
}

xdp_statistics XskSocket::statistics() const {
  xdp_statistics both = ask_statistics(fd_.get());
  if (sender_) {
    const xdp_statistics sent = ask_statistics(sender_.get());
    both.tx_invalid_descs += sent.tx_invalid_descs;
    both.tx_ring_empty_descs += sent.tx_ring_empty_descs;
  }
  return both;
}

int XskSocket::prefer_busy_polling(std::uint32_t budget) {
  const auto set = [this](int option, int value) {
    return ::setsockopt(fd_.get(), SOL_SOCKET, option, &value, sizeof value) == 0;
  };
  // Read back, since these options are about a wish.
  const auto is_set = [this](int option) {
    int value = 0;
    socklen_t bytes = sizeof value;
    return ::getsockopt(fd_.get(), SOL_SOCKET, option, &value, &bytes) == 0 && value != 0;
  };
  if (!set(SO_PREFER_BUSY_POLL, 1) || !set(SO_BUSY_POLL, kBusyPollMicros) ||
      !set(SO_BUSY_POLL_BUDGET, static_cast<int>(budget))) {
    return errno;
  }
  return is_set(SO_PREFER_BUSY_POLL) && is_set(SO_BUSY_POLL) ? 0 : EOPNOTSUPP;
}

std::uint32_t XskSocket::napi_id() const noexcept {
  std::uint32_t id = 0;
  socklen_t bytes = sizeof id;
  return ::getsockopt(fd_.get(), SOL_SOCKET, SO_INCOMING_NAPI_ID, &id, &bytes) == 0 ? id : 0;
}

bool XskSocket::is_zerocopy() const {
  const auto options =
      ask<xdp_options>(fd_.get(), XDP_OPTIONS, "ask an AF_XDP socket for its mode");
  return (options.flags & XDP_OPTIONS_ZEROCOPY) != 0;
}

void refuse_bind(const Interface& interface, QueueId queue, bool zerocopy, int error,
                 std::uint32_t frame_size) {
  const std::string where = fmt::format("{} queue {}", interface.name, queue.value());
  const std::string driver = interface.driver.empty() ? "the driver" : "driver " + interface.driver;
  if (error == EBUSY) {
    throw Failure{ExitStatus::host_not_ready,
                  {.code = "XSK-BUSY-01",
                   .what = where + ": AF_XDP socket refused",
                   .why = "kernel said EBUSY for a second: another AF_XDP socket is bound to this "
                          "queue, or one was closed\n"
                          "while its rings are still mapped somewhere, or the queue serves "
                          "device memory",
                   .next = "ss --xdp -e    shows the owner"}};
  }
  if (error == EPERM) {
    throw Failure{ExitStatus::not_permitted,
                  {.code = "CAP-RAW-01",
                   .what = where + ": AF_XDP socket refused",
                   .why = "kernel said EPERM: CAP_NET_RAW is missing",
                   .next = kRunPrivileged}};
  }
  if (zerocopy) {
    throw Failure{
        ExitStatus::host_not_ready,
        {.code = "XSK-ZC-01",
         .what = where + ": zero-copy socket refused",
         .why = fmt::format("{} answered {} to bind(XDP_ZEROCOPY); MTU is {} and umem.frame_size "
                            "is {}",
                            driver, errno_name(error), interface.mtu, frame_size),
         .next = "accept copies:  interfaces[].mode: copy    or let the program choose:  mode: "
                 "auto" +
                 std::string{frame_size < 4096 ? "\nor set umem.frame_size: 4096" : ""}}};
  }
  throw Failure{
      ExitStatus::host_not_ready,
      {.code = "XSK-BIND-01",
       .what = where + ": AF_XDP socket refused",
       .why = fmt::format("{} answered {} to bind(XDP_COPY)", driver, describe_errno(error)),
       .next = fmt::format("ip link show {}    (it must be up)    or try:  "
                           "interfaces[].mode: skb",
                           interface.name)}};
}

}  // namespace valinor::packet_io::afxdp
