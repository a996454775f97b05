/// The way to tc egress of kernels before 6.6: a filter of an interface's clsact qdisc.
#pragma once

#include <cstdint>
#include <string>

#include "base/unique_fd.hpp"
#include "base/units.hpp"

namespace valinor::tap {

/// Adds the program in front of the filters that are there, and removes it again. The qdisc is
/// removed only if this made it and it is empty. A filter of ours whose process was killed is
/// replaced; others are left alone.
class ClsactFilter {
 public:
  /// Throws Failure: TAP-BUSY-01 (another process of ours taps the interface), TAP-ATTACH-01,
  /// CAP-ADMIN-01.
  ClsactFilter(const std::string& name, InterfaceIndex interface, int program);
  ~ClsactFilter();
  ClsactFilter(const ClsactFilter&) = delete;
  ClsactFilter& operator=(const ClsactFilter&) = delete;

 private:
  void make_qdisc(const std::string& name);
  void remove_qdisc() const noexcept;  // if it is ours and empty

  int interface_;
  UniqueFd owner_;  // tells a filter in use from one that was left behind
  bool made_qdisc_ = false;
  std::uint32_t handle_ = 0;
  std::uint32_t priority_ = 0;
};

}  // namespace valinor::tap
