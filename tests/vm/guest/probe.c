/* Sends frames one at a time, and shows the clock of the NIC that gets them right before and right
 * after each, and when what came back for it left that NIC.
 *
 *   probe INTERFACE CLOCK     INTERFACE sends; CLOCK is the other NIC's, such as /dev/ptp1
 *   in    for each frame: 2 bytes, its length, most significant first; the frame
 *   out   for each frame: "BEFORE AFTER BACK" in ns: two readings of CLOCK; INTERFACE's own
 * hardware stamp of the frame that came back
 */
#include <arpa/inet.h>
#include <err.h>
#include <fcntl.h>
#include <linux/errqueue.h>
#include <linux/if_packet.h>
#include <linux/net_tstamp.h>
#include <linux/sockios.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { PATIENCE_MS = 20000 };

static uint64_t nanoseconds(const struct timespec* time) {
  return (uint64_t)time->tv_sec * 1000000000 + (uint64_t)time->tv_nsec;
}

static uint64_t read_clock(clockid_t clock) {
  struct timespec now;

  if (clock_gettime(clock, &now) != 0) err(1, "read the clock");
  return nanoseconds(&now);
}

/* That of a device: linux/Documentation/driver-api/ptp.rst. */
static clockid_t open_clock(const char* path) {
  int file = open(path, O_RDONLY);

  if (file < 0) err(1, "open %s", path);
  return (~(clockid_t)file << 3) | 3;
}

/* What is received, all or nothing. */
static void set_stamping(int interface, const char* name, int filter) {
  struct hwtstamp_config stamping = {.rx_filter = filter};
  struct ifreq request = {.ifr_data = (char*)&stamping};

  strncpy(request.ifr_name, name, IFNAMSIZ - 1);
  if (ioctl(interface, SIOCSHWTSTAMP, &request) != 0) err(1, "set the stamping of %s", name);
}

static int open_interface(const char* name) {
  struct sockaddr_ll address = {.sll_family = AF_PACKET, .sll_protocol = htons(ETH_P_ALL)};
  int flags = SOF_TIMESTAMPING_RX_HARDWARE | SOF_TIMESTAMPING_RAW_HARDWARE, on = 1;
  int out = socket(AF_PACKET, SOCK_RAW, 0);

  address.sll_ifindex = (int)if_nametoindex(name);
  set_stamping(out, name, HWTSTAMP_FILTER_ALL);
  if (setsockopt(out, SOL_SOCKET, SO_TIMESTAMPING, &flags, sizeof(flags)) != 0 ||
      setsockopt(out, SOL_PACKET, PACKET_IGNORE_OUTGOING, &on, sizeof(on)) != 0 ||
      /* Then send() returns when the driver has the frame. */
      setsockopt(out, SOL_PACKET, PACKET_QDISC_BYPASS, &on, sizeof(on)) != 0 ||
      bind(out, (struct sockaddr*)&address, sizeof(address)) != 0)
    err(1, "set up a socket on %s", name);
  return out;
}

static uint64_t next_stamp(int interface) {
  char frame[2048], notes[256];
  struct iovec part = {frame, sizeof(frame)};
  struct msghdr message = {
      .msg_iov = &part, .msg_iovlen = 1, .msg_control = notes, .msg_controllen = sizeof(notes)};
  struct pollfd waiting = {.fd = interface, .events = POLLIN};

  if (poll(&waiting, 1, PATIENCE_MS) != 1) errx(1, "nothing came back");
  if (recvmsg(interface, &message, 0) < 0) err(1, "receive");
  for (struct cmsghdr* note = CMSG_FIRSTHDR(&message); note; note = CMSG_NXTHDR(&message, note)) {
    struct scm_timestamping times;

    if (note->cmsg_level != SOL_SOCKET || note->cmsg_type != SO_TIMESTAMPING) continue;
    memcpy(&times, CMSG_DATA(note), sizeof(times));
    return nanoseconds(&times.ts[2]); /* the hardware's */
  }
  errx(1, "no stamp");
}

int main(int count, char** words) {
  if (count != 3) errx(2, "usage: probe INTERFACE CLOCK");
  int interface = open_interface(words[1]);
  clockid_t clock = open_clock(words[2]);
  uint8_t length[2], frame[2048];

  while (fread(length, sizeof(length), 1, stdin) == 1) {
    size_t bytes = (size_t)length[0] << 8 | length[1];

    if (bytes > sizeof(frame) || fread(frame, bytes, 1, stdin) != 1) errx(1, "a frame is cut");
    uint64_t before = read_clock(clock);
    if (send(interface, frame, bytes, 0) < 0) err(1, "send");
    uint64_t after = read_clock(clock);
    printf("%ju %ju %ju\n", before, after, next_stamp(interface));
  }
  set_stamping(interface, words[1], HWTSTAMP_FILTER_NONE);
  return 0;
}
