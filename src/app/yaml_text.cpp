#include "app/yaml_text.hpp"

#include <fmt/format.h>

#include <cerrno>
#include <cstdint>
#include <string_view>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/failure.hpp"
#include "base/unique_fd.hpp"
#include "base/unreadable.hpp"

namespace valinor::app {
namespace {

constexpr std::string_view kByteOrderMark = "\xef\xbb\xbf";

/// Bytes of the UTF-8 character at the start of `text`; 0 if there is none.
std::size_t utf8_length(std::string_view text) {
  const auto byte = [&](std::size_t i) -> std::uint32_t {
    return i < text.size() ? static_cast<unsigned char>(text[i]) : 0;
  };
  const std::uint32_t first = byte(0);
  if (first < 0x80) return 1;
  const std::size_t length = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
  if (first < 0xc2 || first > 0xf4) return 0;
  for (std::size_t i = 1; i < length; ++i) {
    if ((byte(i) & 0xc0) != 0x80) return 0;
  }
  const std::uint32_t second = byte(1);
  // Overlong forms, UTF-16 surrogates, beyond U+10FFFF (RFC 3629, section 4).
  if ((first == 0xe0 && second < 0xa0) || (first == 0xed && second > 0x9f) ||
      (first == 0xf0 && second < 0x90) || (first == 0xf4 && second > 0x8f)) {
    return 0;
  }
  return length;
}

bool is_control(std::string_view text, std::size_t at) {
  const auto byte = static_cast<unsigned char>(text[at]);
  if (byte == '\r') return at + 1 == text.size() || text[at + 1] != '\n';
  if (byte == 0xc2 && at + 1 < text.size()) return static_cast<unsigned char>(text[at + 1]) < 0xa0;
  return (byte < 0x20 && byte != '\t' && byte != '\n') || byte == 0x7f;
}

void cannot_read(const Source& source, int error, Problems& problems) {
  problems.add("CFG-FILE-01", source, {}, "cannot read this file (" + describe_errno(error) + ")",
               {}, advise_on_unreadable(source.name, error));
}

}  // namespace

bool read_source(Source& source, Problems& problems) {
  // Without O_NONBLOCK, opening a FIFO that nobody writes to would wait for ever.
  const UniqueFd file{::open(source.name.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK)};
  if (file.get() < 0) {
    cannot_read(source, errno, problems);
    return false;
  }
  struct stat status {};
  if (::fstat(file.get(), &status) != 0) {
    cannot_read(source, errno, problems);
    return false;
  }
  if (S_ISDIR(status.st_mode)) {
    cannot_read(source, EISDIR, problems);
    return false;
  }
  source.text.clear();
  std::string chunk(std::size_t{64} << 10, '\0');
  // One byte more than allowed is enough to know that it is too much.
  while (source.text.size() <= kMaxConfigBytes) {
    const ssize_t got = ::read(file.get(), chunk.data(), chunk.size());
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) {
      cannot_read(source, errno, problems);
      return false;
    }
    if (got == 0) break;
    source.text.append(chunk, 0, static_cast<std::size_t>(got));
  }
  return true;
}

bool check_text(Source& source, Problems& problems) {
  if (source.text.size() > kMaxConfigBytes) {
    problems.add("CFG-FILE-02", source, {}, "larger than 1 MiB, which no configuration is");
    return false;
  }
  if (source.text.starts_with(kByteOrderMark)) source.text.erase(0, kByteOrderMark.size());
  const std::string_view text{source.text};
  Place place{1, 1, 1};
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t length = utf8_length(text.substr(at));
    const bool bad = length == 0 || is_control(text, at);
    if (bad) {
      const auto byte = static_cast<unsigned char>(text[at]);
      const std::size_t line_start = text.substr(0, at).rfind('\n') + 1;  // npos + 1 is 0
      source.text.resize(line_start);  // the line is not fit for being quoted
      problems.add("CFG-FILE-03", source, place,
                   fmt::format("{} 0x{:02x}; the file must be UTF-8 text",
                               length == 0 ? "not UTF-8: byte" : "control character", byte));
      return false;
    }
    place.column += length;
    if (text[at] == '\n') place = {place.line + 1, 1, 1};
    at += length;
  }
  return true;
}

}  // namespace valinor::app
