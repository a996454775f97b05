#include "telemetry/edit/strip.hpp"

#include "wire/be.hpp"
#include "wire/headers.hpp"

namespace valinor::telemetry {

EditResult strip_p4netintel(EditableFrame& frame, const wire::Link& link,
                            const p4netintel::Stack& stack) noexcept {
  const EditResult packet = edit_detail::check_ipv4(frame, link.bytes + stack.ip_offset, true);
  if (packet != EditResult::done) return packet;
  edit_detail::close_gap(frame, link.bytes, stack.ip_offset);
  wire::store_be<2>(frame.data + link.bytes - 2, wire::ethertype::kIpv4);
  return EditResult::done;
}

}  // namespace valinor::telemetry
