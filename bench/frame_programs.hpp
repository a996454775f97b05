/// The smallest XDP programs, each of which does one thing with every frame.
#pragma once

#include <memory>
#include <string>

struct bpf_link;
struct frame_programs_bpf;  // bpftool's skeleton

namespace valinor::bench {

class FramePrograms {
 public:
  /// Attaches one of bench/frame_programs.bpf.c, for as long as this lives. Throws Failure or
  /// std::system_error.
  FramePrograms(const std::string& interface, const char* program);

  /// The map of AF_XDP sockets by queue, for "redirect_all".
  [[nodiscard]] int sockets() const noexcept;

 private:
  struct Destroy {
    void operator()(frame_programs_bpf* skeleton) const noexcept;
    void operator()(bpf_link* link) const noexcept;
  };

  std::unique_ptr<frame_programs_bpf, Destroy> skeleton_;
  std::unique_ptr<bpf_link, Destroy> link_;
};

}  // namespace valinor::bench
