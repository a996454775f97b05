/// Edits any frame: strip, insert, push a hop, complete checksums. Frame and headroom are one
/// allocation of exactly their length, so that the address sanitizer sees every step outside;
/// a refusal must leave all of it untouched, and strip must undo what insert did.
///
/// The first four bytes of the input choose headroom, length limit, layout and traces; the frame
/// is the rest.

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdlib>
#include <optional>
#include <vector>

#include "telemetry/edit/complete_checksum.hpp"
#include "telemetry/edit/insert.hpp"
#include "telemetry/edit/push_hop.hpp"
#include "telemetry/edit/strip.hpp"

namespace {

using namespace valinor::telemetry;
using p4netintel::Layout;
using valinor::DropReason;
using valinor::wire::Bytes;
using valinor::wire::Link;

struct Choice {
  std::uint32_t headroom;
  std::uint32_t max_frame_bytes;
  Layout layout;
  std::uint32_t traces;
  bool with_host;
};

void demand(bool condition) {
  if (!condition) std::abort();
}

class Room {
 public:
  Room(Bytes frame, std::uint32_t headroom) : memory_(headroom + frame.size(), std::byte{0xee}) {
    std::ranges::copy(frame, memory_.begin() + headroom);
    before_ = memory_;
    editable = {memory_.data() + headroom, static_cast<std::uint32_t>(frame.size()), headroom};
  }

  void check(EditResult result, const EditableFrame& was) const {
    demand(editable.data - editable.headroom == memory_.data());
    demand(editable.headroom + editable.bytes == memory_.size());
    if (result == EditResult::done) return;
    demand(memory_ == before_ && editable.bytes == was.bytes && editable.data == was.data);
  }
  [[nodiscard]] std::vector<std::byte> frame() const {
    return {editable.data, editable.data + editable.bytes};
  }

  EditableFrame editable;

 private:
  std::vector<std::byte> memory_, before_;
};

bool locate(Bytes frame, const Link& link, std::optional<Layout> only, p4netintel::Stack& stack) {
  return p4netintel::locate(frame.subspan(link.bytes), only, Layout::full, stack) ==
         DropReason::none;
}

void strip(Bytes frame, const Link& link, const p4netintel::Stack& stack, const Choice& choice) {
  Room room{frame, choice.headroom};
  const EditableFrame was = room.editable;
  const EditResult result = strip_p4netintel(room.editable, link, stack);
  room.check(result, was);
  if (result == EditResult::done) demand(was.bytes - room.editable.bytes == stack.ip_offset);
}

void push(Bytes frame, const Link& link, const p4netintel::Stack& stack, const Choice& choice) {
  Room room{frame, choice.headroom};
  const EditableFrame was = room.editable;
  TracePlace place;
  const EditResult result =
      push_hop(room.editable, link, stack, {}, choice.layout, choice.max_frame_bytes, place);
  room.check(result, was);
  if (result != EditResult::done) return;
  demand(room.editable.bytes <= choice.max_frame_bytes);
  patch_egress_time(room.editable.data, place, 0x123456789abc);
  p4netintel::Stack after;
  demand(locate(room.frame(), link, place.layout, after));
  demand(after.traces == stack.traces + 1 && after.has_host == stack.has_host);
}

void insert(Bytes frame, const Link& link, const Choice& choice) {
  Room room{frame, choice.headroom};
  const EditableFrame was = room.editable;
  const std::vector<std::byte> traces(choice.traces * p4netintel::trace_bytes(choice.layout),
                                      std::byte{0x55});
  const std::optional<HostTimes> host =
      choice.with_host ? std::optional<HostTimes>{HostTimes{}} : std::nullopt;
  const EditResult result =
      insert_p4netintel(room.editable, link, choice.layout, traces, host, choice.max_frame_bytes);
  room.check(result, was);
  if (result != EditResult::done) return;
  demand(room.editable.bytes <= choice.max_frame_bytes);
  p4netintel::Stack stack;
  demand(locate(room.frame(), link, choice.layout, stack));
  demand(stack.traces == choice.traces);
  demand(strip_p4netintel(room.editable, link, stack) == EditResult::done);
  demand(std::ranges::equal(room.frame(), frame));
}

void complete(Bytes bytes, std::uint32_t ip_offset) {
  std::vector<std::byte> frame{bytes.begin(), bytes.end()};
  frame.shrink_to_fit();
  if (!complete_checksum(frame, ip_offset)) demand(std::ranges::equal(frame, bytes));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 4) return 0;
  const Choice choice{.headroom = data[0] * 7u,
                      .max_frame_bytes = data[1] * 16u,
                      .layout = static_cast<Layout>(data[2] % p4netintel::kLayouts),
                      .traces = data[3] % 24u,
                      .with_host = data[3] >= 128};
  const auto* start = reinterpret_cast<const std::byte*>(data);
  const std::vector<std::byte> frame{start + 4, start + size};
  const auto link = valinor::wire::parse_link(frame);
  if (!link) return 0;
  complete(frame, link->bytes);
  insert(frame, *link, choice);
  for (const std::optional<Layout> only :
       {std::optional<Layout>{}, std::optional<Layout>{choice.layout}}) {
    p4netintel::Stack stack;
    if (!locate(frame, *link, only, stack)) continue;
    strip(frame, *link, stack, choice);
    push(frame, *link, stack, choice);
    complete(frame, link->bytes + stack.ip_offset);
    std::vector<std::byte> traces(stack.traces * p4netintel::trace_bytes(stack.layout));
    demand(copy_traces(Bytes{frame}.subspan(link->bytes), stack, traces) == traces.size());
  }
  return 0;
}
