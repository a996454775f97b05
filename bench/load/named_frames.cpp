#include "load/named_frames.hpp"

#include <charconv>
#include <cstdint>

#include "traffic/frame_template.hpp"

namespace valinor::bench {
namespace {

namespace p4 = telemetry::p4netintel;

std::optional<p4::Layout> layout_of(std::size_t trace_bytes) noexcept {
  for (std::size_t i = 0; i < p4::kLayouts; ++i) {
    const auto layout = static_cast<p4::Layout>(i);
    if (p4::trace_bytes(layout) == trace_bytes) return layout;
  }
  return std::nullopt;
}

std::optional<std::uint16_t> to_number(std::string_view text) noexcept {
  std::uint16_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return number;
}

std::optional<traffic::FrameConfig> to_config(std::string_view traffic) noexcept {
  if (traffic == "valinor-n") {
    return {{.format = telemetry::Format::valinor_n, .payload_bytes = 0}};
  }
  const std::size_t cross = traffic.find('x');
  if (cross == std::string_view::npos) return std::nullopt;
  const auto hops = to_number(traffic.substr(0, cross));
  const auto bytes = to_number(traffic.substr(cross + 1));
  const auto layout = layout_of(bytes.value_or(0));
  if (!hops || !layout) return std::nullopt;
  return {{.layout = *layout, .hops = *hops, .payload_bytes = 0}};
}

}  // namespace

std::optional<std::vector<std::byte>> make_frame(std::string_view traffic) {
  auto config = to_config(traffic);
  if (!config) return std::nullopt;
  config->destination[0] = config->source[0] = std::byte{2};  // locally administered
  config->source[5] = std::byte{1};
  config->destination[5] = std::byte{2};
  const traffic::FrameTemplates frames{*config};
  std::vector<std::byte> frame(frames.frame_bytes());
  frames.write(1, 1, frame);
  return frame;
}

}  // namespace valinor::bench
