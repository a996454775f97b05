/// What stands behind --from and --to of `valinor-afxdp export`.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/result.hpp"
#include "exporter/config.hpp"

namespace valinor::app {

struct ExportEnd {
  enum class Kind : std::uint8_t { zset, stream, npy, records, csv, pcap, any_file };
  Kind kind = Kind::any_file;
  std::string path{};                              // of a file, or of a folder of *.spill
  std::optional<exporter::RedisAddress> server{};  // instead of the configured ones

  [[nodiscard]] bool is_redis() const noexcept {
    return kind == Kind::zset || kind == Kind::stream;
  }
  friend bool operator==(const ExportEnd&, const ExportEnd&) = default;
};

/// "zset", "stream", the same with "@URL" behind it, or a file. The error's `doing` is the whole
/// message.
[[nodiscard]] Result<ExportEnd> parse_export_source(std::string_view text);

/// The same; of a file the ending says which kind is written: .npy, .records, .csv, .pcap.
[[nodiscard]] Result<ExportEnd> parse_export_target(std::string_view text);

}  // namespace valinor::app
