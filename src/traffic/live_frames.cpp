#include "traffic/live_frames.hpp"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <fmt/format.h>
#include <linux/bpf.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <limits>
#include <string>

#include "base/bpf.hpp"
#include "base/failure.hpp"
#include "base/numbers.hpp"
#include "base/thread.hpp"
#include "live_frames.skel.h"

namespace valinor::traffic {
namespace {

/// Runs of one system call: minutes.
constexpr int kRuns = std::numeric_limits<int>::max();

/// Between two looks whether the thread has begun, or ended.
constexpr std::chrono::microseconds kLook{100};

/// Frames of one batch: they leave together, when its last run is over. 64 is what a NAPI poll
/// takes. With a rate as many as are run in some 4 us if most are due, so that none waits longer.
constexpr std::uint32_t kLargestBatch = 64;
constexpr std::uint64_t kBatchesPerSecond = 250'000;

/// How long the first frame may take; the kernel needs some 20 ms for it.
constexpr std::chrono::seconds kFirstFrame{5};

/// For how long the kernel may answer that memory is short, without a frame meanwhile, and how
/// often it is asked then.
constexpr std::chrono::seconds kShortage{2};
constexpr std::chrono::milliseconds kNextTry{1};

constexpr const char* kNoFramesMade = "the kernel does not run the BPF program that makes frames";
constexpr const char* kOtherWay =
    "gen without --kernel sends by AF_XDP; -v prints what the kernel said";

[[noreturn]] void refuse(const std::string& what, int error) {
  bpf::throw_if_not_permitted(what, error);
  throw Failure{ExitStatus::host_not_ready,
                {.code = "GEN-KERNEL-02",
                 .what = what,
                 .why = "kernel said " + describe_errno(error) + "; Linux 5.18 or later is needed",
                 .next = kOtherWay}};
}

[[noreturn]] void refuse_for_memory(const std::string& what, int error, const std::string& why,
                                    const std::string& next) {
  throw Failure{ExitStatus::host_not_ready,
                {.code = "GEN-KERNEL-02",
                 .what = what,
                 .why = "kernel said " + describe_errno(error) + "; " + why,
                 .next = next}};
}

bool is_shortage(int error) { return error == ENOMEM || error == EAGAIN; }

std::uint32_t batch_for(const std::optional<PatternConfig>& pattern) {
  if (!pattern) return kLargestBatch;
  const std::uint64_t due_together = pattern->pattern == Pattern::incast ? pattern->burst : 1;
  const std::uint64_t wanted =
      std::max(due_together, pattern->packets_per_second / kBatchesPerSecond);
  return static_cast<std::uint32_t>(std::clamp<std::uint64_t>(wanted, 1, kLargestBatch));
}

}  // namespace

void LiveFrames::Unload::operator()(live_frames_bpf* skeleton) const noexcept {
  live_frames_bpf::destroy(skeleton);
}

LiveFrames::LiveFrames(const FrameTemplates& frames, const LiveFramesConfig& config)
    : first_(frames.frame_bytes()), config_{config} {
  if (config_.count == 0) config_.count = std::numeric_limits<std::uint64_t>::max();
  const std::string what = "cannot load the BPF program that makes frames";
  bpf::log_libbpf_as_debug();
  frames.write(0, 0, first_);
  skeleton_.reset(live_frames_bpf::open());
  if (!skeleton_) refuse(what, errno);
  auto& constants = *skeleton_->rodata;
  constants.target = config.interface.value();
  constants.limit = config_.count;
  if (config.pattern) {
    constants.rate = config.pattern->packets_per_second;
    constants.burst = config.pattern->pattern == Pattern::incast ? config.pattern->burst : 1;
  }
  bpf_map* const templates = skeleton_->maps.templates;
  if (config.numbered) {
    const auto offsets = frames.offsets();
    constants.flows = frames.flows();
    constants.frame_bytes = static_cast<std::uint32_t>(frames.frame_bytes());
    constants.rpc_id_at = static_cast<std::uint32_t>(offsets.rpc_id);
    constants.checksum_at = static_cast<std::uint32_t>(offsets.checksum);
    constants.switch_time_at = static_cast<std::uint32_t>(offsets.switch_time);
    ::bpf_map__set_max_entries(templates, frames.flows());
    ::bpf_map__set_value_size(templates, constants.frame_bytes);
  }
  const int error = live_frames_bpf::load(skeleton_.get());
  if (error == -ENOMEM || error == -E2BIG) {
    const std::uint64_t bytes = std::uint64_t{frames.flows()} * frames.frame_bytes();
    refuse_for_memory(what, -error,
                      fmt::format("it keeps a packet of each of {} flows: {} of kernel memory",
                                  with_commas(frames.flows()), to_size(bytes)),
                      "fewer --flows or --hops, or a smaller --payload    takes less\n"
                      "free -m    shows what the host has left");
  }
  if (error != 0) refuse(what, -error);
  if (!config.numbered) return;
  for (std::uint32_t flow = 0; flow < frames.flows(); ++flow) {
    const int refused = ::bpf_map_update_elem(::bpf_map__fd(templates), &flow,
                                              frames.of_flow(flow).data(), BPF_ANY);
    if (refused != 0) refuse(what, -refused);
  }
}

LiveFrames::~LiveFrames() { end(); }

void LiveFrames::start() {
  let_calls_be_broken_off();
  started_ = Clock::now();
  thread_ = std::thread{[this] {
    try {
      run();
    } catch (...) {
      error_ = std::current_exception();
    }
    ended_at_ = Clock::now();
    ended_ = true;
  }};
}

void LiveFrames::run() {
  name_this_thread("frames");
  if (config_.cpu) pin_this_thread(*config_.cpu);
  std::uint64_t made_before = 0;
  Clock::time_point last_progress = Clock::now();
  while (!stopping_ && made() < config_.count) {
    bpf_test_run_opts options{};
    options.sz = sizeof options;
    options.data_in = first_.data();
    options.data_size_in = static_cast<std::uint32_t>(first_.size());
    options.repeat = kRuns;
    options.flags = BPF_F_TEST_XDP_LIVE_FRAMES;
    options.batch_size = batch_for(config_.pattern);
    const int error = -::bpf_prog_test_run_opts(fd(), &options);
    if (error == 0 || error == EINTR) continue;  // EINTR: a signal has ended it
    if (!is_shortage(error)) refuse(kNoFramesMade, error);
    const auto now = Clock::now();
    if (made() != made_before) last_progress = now;
    made_before = made();
    if (now - last_progress >= kShortage) {
      refuse_for_memory(kNoFramesMade, error, "it has been short of memory for 2 s",
                        "free -m    shows what the host has left");
    }
    std::this_thread::sleep_for(kNextTry);
  }
}

bool LiveFrames::has_not_begun() const noexcept {
  return made() == 0 && Clock::now() - started_ >= kFirstFrame;
}

bool LiveFrames::is_over() const noexcept {
  return made() >= config_.count || ended_ || has_not_begun();
}

void LiveFrames::stop() {
  const bool no_frame = has_not_begun();
  end();
  if (error_) std::rethrow_exception(error_);
  if (!no_frame) return;
  throw Failure{ExitStatus::host_not_ready,
                {.code = "GEN-KERNEL-02",
                 .what = kNoFramesMade,
                 .why = "it has made no frame within 5 s, and the kernel reported no error",
                 .next = kOtherWay}};
}

Nanos LiveFrames::lasted() const noexcept {
  const auto time_of = [](const std::uint64_t& at) {
    return Clock::time_point{
        Nanos{static_cast<Nanos::rep>(__atomic_load_n(&at, __ATOMIC_RELAXED))}};
  };
  if (made() == 0) return Nanos{0};
  auto end = time_of(skeleton_->bss->end_ns);
  if (end == Clock::time_point{}) end = ended_ ? ended_at_ : Clock::now();
  return std::max(end - time_of(skeleton_->bss->begin_ns), Nanos{0});
}

void LiveFrames::end() noexcept {
  stopping_ = true;
  if (!thread_.joinable()) return;
  while (!ended_) {
    break_off_call(thread_.native_handle());
    std::this_thread::sleep_for(kLook);
  }
  thread_.join();
}

std::uint64_t LiveFrames::made() const noexcept {
  return __atomic_load_n(&skeleton_->bss->made, __ATOMIC_RELAXED);
}

int LiveFrames::fd() const noexcept { return ::bpf_program__fd(skeleton_->progs.make_frame); }

}  // namespace valinor::traffic
