#include "load/named_frames.hpp"

#include <charconv>
#include <cstdint>

namespace valinor::bench {
namespace {

namespace p4 = telemetry::p4netintel;

constexpr std::uint32_t kMostHops = 64;
constexpr std::uint32_t kMostPayload = 1400;
constexpr std::uint32_t kMostFlows = 65536;

std::optional<p4::Layout> layout_of(std::size_t trace_bytes) noexcept {
  for (std::size_t i = 0; i < p4::kLayouts; ++i) {
    const auto layout = static_cast<p4::Layout>(i);
    if (p4::trace_bytes(layout) == trace_bytes) return layout;
  }
  return std::nullopt;
}

std::optional<std::uint32_t> to_number(std::string_view text) noexcept {
  std::uint32_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return number;
}

/// What stands behind `mark`, which is cut off; `otherwise` where there is no such mark. Nothing:
/// no number from `least` to `most`.
std::optional<std::uint32_t> cut_number(std::string_view& text, char mark, std::uint32_t otherwise,
                                        std::uint32_t least, std::uint32_t most) noexcept {
  const std::size_t at = text.find(mark);
  if (at == std::string_view::npos) return otherwise;
  const auto number = to_number(text.substr(at + 1));
  text = text.substr(0, at);
  return number && *number >= least && *number <= most ? number : std::nullopt;
}

/// P4NetIntel or Valinor-N, without what stands behind.
std::optional<traffic::FrameConfig> to_format(std::string_view traffic) noexcept {
  if (traffic == "valinor-n") {
    return {{.format = telemetry::Format::valinor_n, .payload_bytes = 0}};
  }
  const std::size_t cross = traffic.find('x');
  if (cross == std::string_view::npos) return std::nullopt;
  const auto hops = to_number(traffic.substr(0, cross));
  const auto bytes = to_number(traffic.substr(cross + 1));
  const auto layout = layout_of(bytes.value_or(0));
  if (!hops || *hops > kMostHops || !layout) return std::nullopt;
  return {{.layout = *layout, .hops = static_cast<std::uint16_t>(*hops), .payload_bytes = 0}};
}

}  // namespace

std::optional<traffic::FrameConfig> to_config(std::string_view traffic) noexcept {
  const auto flows = cut_number(traffic, '*', 1, 1, kMostFlows);
  const auto payload = cut_number(traffic, '+', 0, 0, kMostPayload);
  auto config = to_format(traffic);
  if (!flows || !payload || !config) return std::nullopt;
  config->flows = *flows;
  config->payload_bytes = static_cast<std::uint16_t>(*payload);
  config->destination[0] = config->source[0] = std::byte{2};  // locally administered
  config->source[5] = std::byte{1};
  config->destination[5] = std::byte{2};
  return config;
}

std::optional<Frames> make_frames(std::string_view traffic) {
  const auto config = to_config(traffic);
  if (!config) return std::nullopt;
  const traffic::FrameTemplates templates{*config};
  Frames frames{.bytes = {}, .frame_bytes = templates.frame_bytes()};
  frames.bytes.resize(frames.frame_bytes * config->flows);
  for (std::uint32_t flow = 0; flow < config->flows; ++flow) {
    const auto frame =
        std::span{frames.bytes}.subspan(flow * frames.frame_bytes, frames.frame_bytes);
    templates.write(flow, 1, frame);
  }
  return frames;
}

}  // namespace valinor::bench
