#include "app/export_end.hpp"

#include <array>
#include <utility>

namespace valinor::app {
namespace {

using Kind = ExportEnd::Kind;

constexpr std::array<std::pair<std::string_view, Kind>, 2> kForms{
    {{"zset", Kind::zset}, {"stream", Kind::stream}}};
constexpr std::array<std::pair<std::string_view, Kind>, 4> kEndings{
    {{".npy", Kind::npy}, {".records", Kind::records}, {".csv", Kind::csv}, {".pcap", Kind::pcap}}};

/// Nothing: it is a file.
Result<std::optional<ExportEnd>> parse_redis_end(std::string_view text) {
  for (const auto& [word, kind] : kForms) {
    if (text == word) return ExportEnd{.kind = kind};
    if (!text.starts_with(word) || text.size() == word.size() || text[word.size()] != '@') continue;
    auto server = exporter::parse_redis_url(text.substr(word.size() + 1));
    if (!server) return tl::unexpected{server.error()};
    return ExportEnd{.kind = kind, .server = *server};
  }
  return std::nullopt;
}

}  // namespace

Result<ExportEnd> parse_export_source(std::string_view text) {
  auto redis = parse_redis_end(text);
  if (!redis) return tl::unexpected{redis.error()};
  if (*redis) return **redis;
  if (text.empty()) return fail(std::errc::invalid_argument, "--from wants zset, stream or a file");
  return ExportEnd{.kind = Kind::any_file, .path = std::string{text}};
}

Result<ExportEnd> parse_export_target(std::string_view text) {
  auto redis = parse_redis_end(text);
  if (!redis) return tl::unexpected{redis.error()};
  if (*redis) return **redis;
  for (const auto& [ending, kind] : kEndings) {
    if (text.ends_with(ending)) return ExportEnd{.kind = kind, .path = std::string{text}};
  }
  return fail(std::errc::invalid_argument,
              "--to wants zset, stream, or a file that ends in .npy, .records, .csv or .pcap");
}

}  // namespace valinor::app
