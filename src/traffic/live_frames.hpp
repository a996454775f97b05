/// Frames that the kernel itself makes and sends: a BPF program, run again and again
/// (BPF_PROG_RUN with live frames), fills each one in and redirects it to an interface.
///
///   thread -> kernel: [ memory of a page pool ] -> program: fill in, count -> driver's
///   ndo_xdp_xmit
///                                ^                        |
///                                +---- none is due yet ---+
///
/// No descriptor and no socket buffer: on a veth pair several times what a socket sends. All of it
/// is one system call, since to begin one takes the kernel some 20 ms; it keeps a CPU busy. Frames
/// leave by the XDP queue of that CPU.
#pragma once

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <memory>
#include <optional>
#include <thread>
#include <vector>

#include "base/units.hpp"
#include "traffic/departures.hpp"
#include "traffic/frame_template.hpp"

struct live_frames_bpf;  // bpftool's skeleton

namespace valinor::traffic {

struct LiveFramesConfig {
  InterfaceIndex interface;
  std::optional<PatternConfig> pattern{};  // constant or incast; nothing: as fast as it goes
  std::uint64_t count = 0;                 // frames in all; 0: no bound
  bool numbered = true;                    // false: all are packet 0 of flow 0, which is faster
  std::optional<CpuId> cpu{};              // to run on; nothing: as the calling thread
};

/// Bytes of the largest frame: those of a page, less what the kernel keeps in it (600 or so).
inline constexpr std::size_t kLargestLiveFrame = 3072;

/// One thread, which has one of its own run the program.
class LiveFrames {
 public:
  /// `frames` are not stamped, and of at most kLargestLiveFrame; not used after that. Throws
  /// Failure: CAP-BPF-01, GEN-KERNEL-02.
  LiveFrames(const FrameTemplates& frames, const LiveFramesConfig& config);
  ~LiveFrames();
  LiveFrames(const LiveFrames&) = delete;
  LiveFrames& operator=(const LiveFrames&) = delete;

  /// Once; without waiting: the kernel takes some 20 ms until the first frame is made.
  void start();

  /// All frames have been made, or stop() will throw: the kernel has refused, or has made no frame
  /// within 5 s.
  [[nodiscard]] bool is_over() const noexcept;

  /// Returns when none is made any more. Throws Failure (GEN-KERNEL-02) where the kernel refused,
  /// or has made no frame within 5 s.
  void stop();

  /// From the first frame to the last of `count`; until that is made, to now or to the end of
  /// stop(). 0 before the first.
  [[nodiscard]] Nanos lasted() const noexcept;

  /// Frames that were given to the driver. What becomes of them there, it counts.
  [[nodiscard]] std::uint64_t made() const noexcept;

  /// Of the program, for BPF_PROG_RUN.
  [[nodiscard]] int fd() const noexcept;

 private:
  struct Unload {
    void operator()(live_frames_bpf* skeleton) const noexcept;
  };

  using Clock = std::chrono::steady_clock;  // the program's, too

  [[nodiscard]] bool has_not_begun() const noexcept;
  void run();
  void end() noexcept;

  std::unique_ptr<live_frames_bpf, Unload> skeleton_;
  std::vector<std::byte> first_;  // what frames hold at first
  LiveFramesConfig config_;
  std::atomic<bool> stopping_{false}, ended_{false};
  std::exception_ptr error_;    // read after the thread has ended
  Clock::time_point started_;   // by start()
  Clock::time_point ended_at_;  // read once ended_
  std::thread thread_;
};

}  // namespace valinor::traffic
