#include "tap/tap_program.hpp"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "base/bpf.hpp"
#include "base/failure.hpp"
#include "egress_tap.skel.h"

namespace valinor::tap {
namespace {

[[noreturn]] void refuse_load(const std::string& what, int error) {
  bpf::throw_if_not_permitted(what, error);
  throw Failure{
      ExitStatus::host_not_ready,
      {.code = "TAP-LOAD-01",
       .what = what,
       .why = "kernel said " + describe_errno(error) + "; Linux 5.8 or later is needed" +
              (error == ENOMEM ? ", and ring_bytes of memory for each possible CPU" : ""),
       .next = error == ENOMEM ? "tap.ring_bytes: 64KiB    or the next smaller power of two"
                               : "-v    prints what the kernel's verifier said"}};
}

std::size_t possible_cpus() { return static_cast<std::size_t>(::libbpf_num_possible_cpus()); }

}  // namespace

void TapProgram::Unload::operator()(egress_tap_bpf* skeleton) const noexcept {
  egress_tap_bpf::destroy(skeleton);
}

TapProgram::TapProgram(const TapConfig& config) {
  bpf::log_libbpf_as_debug();

  std::vector<TappedInterface> interfaces;
  interfaces.reserve(config.interfaces.size());
  for (const std::string& name : config.interfaces) {
    interfaces.push_back(find_tapped_interface(name));
  }
  const std::string what = "cannot load the tap's BPF program";
  skeleton_.reset(egress_tap_bpf::open());
  if (!skeleton_) refuse_load(what, errno);
  skeleton_->rodata->clear_mark = config.clear_mark ? 1 : 0;
  ::bpf_map__set_max_entries(skeleton_->maps.rings, static_cast<std::uint32_t>(possible_cpus()));
  const int error = egress_tap_bpf::load(skeleton_.get());
  if (error != 0) refuse_load(what, -error);
  make_rings(config.ring_bytes);
  for (TappedInterface& interface : interfaces) {
    Attachment attachment{interface, fd(interface.has_ethernet_header), config.attach};
    tapped_.push_back({std::move(interface), std::move(attachment)});
  }
}

TapProgram::~TapProgram() { disable(); }

void TapProgram::make_rings(std::size_t bytes) {
  for (std::uint32_t cpu = 0; cpu < possible_cpus(); ++cpu) {
    const std::string doing =
        fmt::format("cannot make the tap's ring buffer of {} bytes for CPU {}", bytes, cpu);
    const int ring = ::bpf_map_create(BPF_MAP_TYPE_RINGBUF, "valinor_tap", 0, 0,
                                      static_cast<std::uint32_t>(bytes), nullptr);
    if (ring < 0) refuse_load(doing, -ring);
    rings_.emplace_back(ring);
    const int error =
        ::bpf_map_update_elem(::bpf_map__fd(skeleton_->maps.rings), &cpu, &ring, BPF_ANY);
    if (error != 0) refuse_load(doing, -error);
  }
}

void TapProgram::enable() noexcept { skeleton_->bss->enabled = 1; }

void TapProgram::disable() noexcept {
  if (skeleton_->bss->enabled == 0) return;
  skeleton_->bss->enabled = 0;
  bpf::wait_for_running_programs();
}

std::vector<TapCounts> TapProgram::counts_of_cpus() const {
  std::vector<valinor_tap_counts> of_cpus(possible_cpus());
  const std::uint32_t slot = 0;
  if (::bpf_map_lookup_elem(::bpf_map__fd(skeleton_->maps.counts), &slot, of_cpus.data()) != 0) {
    throw_errno("read the tap's counters");
  }
  std::vector<TapCounts> counts;
  counts.reserve(of_cpus.size());
  for (const auto& one : of_cpus) counts.push_back({one.packets, one.overflow, one.bytes});
  return counts;
}

TapCounts TapProgram::counts() const {
  TapCounts sum;
  for (const TapCounts& one : counts_of_cpus()) {
    sum.packets += one.packets;
    sum.overflow += one.overflow;
    sum.bytes += one.bytes;
  }
  return sum;
}

std::string TapProgram::describe() const {
  std::string text;
  for (const Tapped& one : tapped_) {
    text += fmt::format("{}{} by {}", text.empty() ? "" : ", ", one.interface.name,
                        one.attachment.kind());
  }
  return text;
}

bool TapProgram::needs_net_admin_to_detach() const noexcept {
  return std::any_of(tapped_.begin(), tapped_.end(),
                     [](const Tapped& one) { return one.attachment.is_filter(); });
}

int TapProgram::fd(bool for_ethernet) const noexcept {
  return ::bpf_program__fd(for_ethernet ? skeleton_->progs.valinor_tap
                                        : skeleton_->progs.valinor_tap_ip);
}

}  // namespace valinor::tap
