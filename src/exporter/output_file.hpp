/// A file that is written under another name until it is whole: nobody takes a part for it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/unique_fd.hpp"

namespace valinor::exporter {

/// What a file is called until it is whole: `path`.part. Throws Failure (EXPORT-WRITE-01) where
/// `path` is there and is not to be overwritten.
[[nodiscard]] std::filesystem::path make_part_name(const std::filesystem::path& path,
                                                   bool overwrite);

class OutputFile {
 public:
  /// Makes `path`.part. Throws as make_part_name().
  OutputFile(const std::filesystem::path& path, bool overwrite);
  /// Removes what was not finished.
  ~OutputFile();
  OutputFile(const OutputFile&) = delete;
  OutputFile& operator=(const OutputFile&) = delete;

  [[nodiscard]] const std::filesystem::path& path() const noexcept { return path_; }

  /// Throws Failure (EXPORT-WRITE-02).
  void append(std::span<const std::byte> bytes);
  void append(std::string_view text) { append(std::as_bytes(std::span{text})); }

  /// Writes over the file's first bytes, which are there, and gives it its name. Throws as
  /// append().
  void finish(std::string_view start = {});

 private:
  void write_buffer();

  std::filesystem::path path_;
  std::filesystem::path part_;
  UniqueFd fd_;
  std::vector<std::byte> buffer_;
  std::uint64_t written_ = 0;
};

}  // namespace valinor::exporter
