/// Text that configuration comes from: a file, or one option of the command line. Problems quote
/// it.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace valinor::app {

/// Where something stands. Lines and columns (in bytes) count from 1; line 0: nowhere in
/// particular.
struct Place {
  std::size_t line = 0;
  std::size_t column = 1;
  std::size_t length = 0;  // bytes; 0: the word that starts there
};

/// A larger file is not a configuration.
inline constexpr std::size_t kMaxConfigBytes = std::size_t{1} << 20;

struct Source {
  std::string name;        // of the file, or of the option: "--set"
  std::string text;        // of the file without byte order mark, or "--set run.key=7"
  bool is_option = false;  // text is one line of a command line

  /// "conf/nic.yaml:14:5", or the name alone for options and line 0.
  [[nodiscard]] std::string to_text(Place place) const;

  /// Without its end; empty if there is no such line.
  [[nodiscard]] std::string_view line(std::size_t number) const;
};

}  // namespace valinor::app
