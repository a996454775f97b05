#include "exporter/npy.hpp"

#include <fmt/format.h>

#include <charconv>
#include <string_view>

namespace valinor::exporter {
namespace {

constexpr std::string_view kMagic{"\x93NUMPY\x01\x00", 8};
constexpr std::size_t kPreamble = kMagic.size() + 2;  // and the length of what follows
constexpr std::string_view kDescription =
    "'descr': [('timestamp_ns', '>u8'), ('enqueue', '>u4'), ('enqueue_delta', '>u4'), "
    "('packet_length', '>u2'), ('flow_key', '>u4'), ('source', '>u4'), ('destination', '>u4'), "
    "('source_port', '>u2'), ('destination_port', '>u2')], 'fortran_order': False, 'shape': (";

}  // namespace

std::string make_npy_header(std::uint64_t entries) {
  std::string text = fmt::format("{{{}{},), }}", kDescription, entries);
  text.resize(kNpyHeaderBytes - kPreamble - 1, ' ');
  constexpr auto kLength = static_cast<std::uint16_t>(kNpyHeaderBytes - kPreamble);
  return std::string{kMagic} + static_cast<char>(kLength & 0xff) + static_cast<char>(kLength >> 8) +
         text + "\n";
}

std::optional<NpyContent> parse_npy_header(std::span<const std::byte> start) {
  std::string_view text{reinterpret_cast<const char*>(start.data()), start.size()};
  if (!text.starts_with(kMagic) || text.size() < kPreamble) return std::nullopt;
  const std::size_t length = std::to_integer<std::size_t>(start[kMagic.size()]) |
                             std::to_integer<std::size_t>(start[kMagic.size() + 1]) << 8;
  if (text.size() < kPreamble + length) return std::nullopt;
  text = text.substr(kPreamble, length);
  const std::size_t at = text.find(kDescription);
  if (at == std::string_view::npos) return std::nullopt;
  NpyContent content{.header_bytes = kPreamble + length};
  const std::string_view shape = text.substr(at + kDescription.size());
  const auto [end, error] =
      std::from_chars(shape.data(), shape.data() + shape.size(), content.entries);
  const std::size_t digits = static_cast<std::size_t>(end - shape.data());
  if (error != std::errc{} || !shape.substr(digits).starts_with(",)")) return std::nullopt;
  return content;
}

}  // namespace valinor::exporter
