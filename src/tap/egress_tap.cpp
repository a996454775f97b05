#include "tap/egress_tap.hpp"

#include <bpf/libbpf.h>
#include <poll.h>

#include <array>
#include <cerrno>
#include <utility>

#include "base/failure.hpp"
#include "base/thread.hpp"

namespace valinor::tap {
namespace {

/// Packets after which records are published, and the offset measured again, in a long drain. A
/// drain goes on for as long as packets come faster than it reads.
constexpr std::uint32_t kLookInterval = 256;

}  // namespace

void EgressTap::Free::operator()(ring_buffer* reader) const noexcept {
  ::ring_buffer__free(reader);
}

EgressTap::EgressTap(const TapConfig& config, std::uint32_t worker, telemetry::RecordRing& records,
                     Offset offset)
    : program_{config}, worker_{worker}, records_{records}, offset_{std::move(offset)} {
  for (const UniqueFd& ring : program_.rings()) {
    if (!reader_) {
      reader_.reset(::ring_buffer__new(ring.get(), on_packet, this, nullptr));
      if (!reader_) throw_errno("map the tap's ring buffers");
    } else if (const int error = ::ring_buffer__add(reader_.get(), ring.get(), on_packet, this);
               error != 0) {
      errno = -error;
      throw_errno("map the tap's ring buffers");
    }
  }
}

EgressTap::~EgressTap() { stop(); }

void EgressTap::start() {
  thread_ = std::thread{[this] { run(); }};
  program_.enable();
}

void EgressTap::stop() noexcept {
  program_.disable();
  if (!thread_.joinable()) return;
  stop_event_.raise();
  thread_.join();
}

void EgressTap::run() {
  name_this_thread("tap");
  // Its poll finds the ring buffers that hold something, woken or not.
  std::array<pollfd, 2> sources{
      {{stop_event_.fd(), POLLIN, 0}, {::ring_buffer__epoll_fd(reader_.get()), POLLIN, 0}}};
  do {
    ::poll(sources.data(), sources.size(), -1);
    drain();
    ::poll(sources.data(), 1, static_cast<int>(kGather.count()));
  } while ((sources[0].revents & POLLIN) == 0);
  // The program was disabled before the event: nothing comes behind this.
  drain();
}

void EgressTap::drain() {
  current_offset_ = offset_();
  since_look_ = 0;
  ::ring_buffer__consume(reader_.get());
  records_.publish();
}

int EgressTap::on_packet(void* self, void* data, std::size_t) {
  static_cast<EgressTap*>(self)->take(*static_cast<const valinor_tap_packet*>(data));
  return 0;
}

void EgressTap::take(const valinor_tap_packet& packet) {
  to_records(packet, current_offset_, worker_, records_, stats_);
  if (++since_look_ < kLookInterval) return;
  records_.publish();
  current_offset_ = offset_();
  since_look_ = 0;
}

}  // namespace valinor::tap
