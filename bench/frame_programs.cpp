#include "frame_programs.hpp"

#include <bpf/libbpf.h>

#include "base/bpf.hpp"
#include "base/failure.hpp"
#include "base/interface_name.hpp"
#include "frame_programs.skel.h"

namespace valinor::bench {

void FramePrograms::Destroy::operator()(frame_programs_bpf* skeleton) const noexcept {
  frame_programs_bpf::destroy(skeleton);
}
void FramePrograms::Destroy::operator()(bpf_link* link) const noexcept {
  ::bpf_link__destroy(link);
}

FramePrograms::FramePrograms(const std::string& interface, const char* program) {
  bpf::log_libbpf_as_debug();
  skeleton_.reset(frame_programs_bpf::open_and_load());
  if (!skeleton_) throw_errno("load the XDP programs");
  const auto index = static_cast<int>(find_interface_index(interface).value());
  link_.reset(::bpf_program__attach_xdp(::bpf_object__find_program_by_name(skeleton_->obj, program),
                                        index));
  if (!link_) throw_errno("attach the XDP program");
}

int FramePrograms::sockets() const noexcept { return ::bpf_map__fd(skeleton_->maps.sockets); }

}  // namespace valinor::bench
