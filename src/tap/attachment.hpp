/// One program on the way out of one interface, until this goes.
#pragma once

#include <memory>
#include <string>

#include "base/unique_fd.hpp"
#include "base/units.hpp"
#include "tap/clsact.hpp"
#include "tap/config.hpp"

namespace valinor::tap {

/// What the kernel says of an interface; a reading.
struct TappedInterface {
  std::string name;
  InterfaceIndex index;
  bool has_ethernet_header = true;
};

/// Throws Failure (IF-NAME-01) that lists the interfaces there are.
[[nodiscard]] TappedInterface find_tapped_interface(const std::string& name);

class Attachment {
 public:
  /// The program runs before all others, because one that ends the chain would hide packets from
  /// it. Throws Failure: TAP-ATTACH-01, TAP-BUSY-01, CAP-ADMIN-01.
  Attachment(const TappedInterface& interface, int program, AttachBy how);

  /// "tcx" or "clsact"
  [[nodiscard]] const char* kind() const noexcept { return is_filter() ? "clsact" : "tcx"; }
  [[nodiscard]] bool is_filter() const noexcept { return filter_ != nullptr; }

 private:
  UniqueFd link_;
  std::unique_ptr<ClsactFilter> filter_;
};

/// Throws the Failure for an interface that refused the program.
[[noreturn]] void refuse_attachment(const std::string& interface, const char* kind, int error);

}  // namespace valinor::tap
