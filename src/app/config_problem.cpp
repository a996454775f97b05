#include "app/config_problem.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace valinor::app {
namespace {

constexpr std::size_t kMaxQuotedLine = 120;  // bytes of a line that are shown
constexpr std::size_t kMaxQuotedText = 60;   // bytes of a value that are repeated in a message

bool is_continuation(char c) { return (static_cast<unsigned char>(c) & 0xc0) == 0x80; }

/// Stars out what stands between "://" and "@": it may be a password.
std::string without_passwords(std::string_view line) {
  std::string out{line};
  for (std::size_t at = out.find("://"); at != std::string::npos; at = out.find("://", at)) {
    at += 3;
    const std::size_t end = std::min(out.find_first_of(" \t,\"'", at), out.size());
    const std::size_t user_end = std::string_view{out}.substr(0, end).rfind('@');
    if (user_end == std::string_view::npos || user_end < at) continue;
    std::fill(out.begin() + static_cast<std::ptrdiff_t>(at),
              out.begin() + static_cast<std::ptrdiff_t>(user_end), '*');
  }
  return out;
}

/// Stars out what follows a key that looks like a password's: there is no such key, but who thinks
/// so has typed one.
std::string without_secrets(std::string line) {
  constexpr std::string_view kKey = "password";
  for (std::size_t at = line.find(kKey); at != std::string::npos; at = line.find(kKey, at)) {
    at += kKey.size();
    std::size_t value = at;
    while (value < line.size() && (line[value] == '"' || line[value] == '\'')) ++value;
    if (value >= line.size() || (line[value] != ':' && line[value] != '=')) continue;
    value = line.find_first_not_of(' ', value + 1);
    if (value == std::string::npos) break;
    std::fill(line.begin() + static_cast<std::ptrdiff_t>(value), line.end(), '*');
  }
  return line;
}

/// Bytes of the YAML word at the start of `text`.
std::size_t word_length(std::string_view text) {
  if (text.empty()) return 1;
  const char first = text.front();
  if (first == '"' || first == '\'') {
    const std::size_t end = text.find(first, 1);
    return end == std::string_view::npos ? text.size() : end + 1;
  }
  if (first == '[' || first == '{' || first == '\t') return 1;
  if (first == '&' || first == '*' || first == '!') return std::min(text.find(' '), text.size());
  std::size_t end = std::min({text.find_first_of(",]}"), text.find(": "), text.find(" #")});
  end = std::min(end, text.size());
  if (end == text.size() && text.ends_with(':')) --end;
  while (end > 1 && (text[end - 1] == ' ' || text[end - 1] == '\t')) --end;
  return std::max<std::size_t>(end, 1);
}

/// The quoted line and the line with the caret.
std::string excerpt(const Source& source, Place place, std::string_view hint) {
  std::string line = without_secrets(without_passwords(source.line(place.line)));
  std::size_t start = std::min(place.column - 1, line.size());
  const std::size_t length = place.length != 0 ? place.length : word_length(line.substr(start));
  std::size_t cut =
      start > kMaxQuotedLine / 2 && line.size() > kMaxQuotedLine ? start - kMaxQuotedLine / 2 : 0;
  while (cut > 0 && cut < line.size() && is_continuation(line[cut])) --cut;
  line = line.substr(cut);
  start -= cut;
  if (line.size() > kMaxQuotedLine) {
    std::size_t end = kMaxQuotedLine;
    while (end > 0 && is_continuation(line[end])) --end;
    line.resize(end);
  }
  if (line.find_first_not_of(" \t") == std::string::npos) return {};

  std::string pad;  // as wide as what stands left of the caret
  for (std::size_t i = 0; i < start && i < line.size(); ++i) {
    if (!is_continuation(line[i])) pad.push_back(line[i] == '\t' ? '\t' : ' ');
  }
  std::size_t width = 0;
  for (std::size_t i = start; i < line.size() && i < start + length; ++i) {
    width += is_continuation(line[i]) ? 0 : 1;
  }
  const std::string number = source.is_option ? "" : std::to_string(place.line);
  return fmt::format("{:>5} | {}\n{:>5} | {}^{}{}{}\n", number, line, "", pad,
                     std::string(width > 1 ? width - 1 : 0, '~'), hint.empty() ? "" : " ", hint);
}

}  // namespace

std::string ConfigProblem::to_text() const {
  std::string out = fmt::format("error[{}]: {}{}{}\n{}", code, where, where.empty() ? "" : ": ",
                                message, excerpt);
  if (!next.empty()) out.append("  next: ").append(next).append("\n");
  return out;
}

void Problems::add(std::string_view code, const Source& source, Place place, std::string message,
                   const std::string& hint, std::string next) {
  auto known = std::find(sources_.begin(), sources_.end(), &source);
  if (known == sources_.end()) known = sources_.insert(sources_.end(), &source);
  if (full()) {
    ++left_out_;
    return;
  }
  ConfigProblem problem{
      std::string{code}, source.to_text(place), std::move(message), {}, std::move(next)};
  if (place.line != 0) problem.excerpt = excerpt(source, place, hint);
  if (problem.excerpt.empty() && !hint.empty()) problem.message.append("; ").append(hint);
  problems_.push_back({static_cast<std::size_t>(known - sources_.begin()), place, problem});
}

std::vector<ConfigProblem> Problems::take() {
  std::stable_sort(problems_.begin(), problems_.end(), [](const Entry& a, const Entry& b) {
    return std::pair{a.source, a.place.line} < std::pair{b.source, b.place.line};
  });
  std::vector<ConfigProblem> out;
  out.reserve(problems_.size() + 1);
  for (Entry& entry : problems_) out.push_back(std::move(entry.problem));
  if (left_out_ != 0) {
    out.push_back(
        {"CFG-MORE-01", "", fmt::format("{} more problems are not shown", left_out_), {}, {}});
  }
  problems_.clear();
  return out;
}

std::string in_quotes(std::string_view text) {
  const bool cut = text.size() > kMaxQuotedText;
  std::size_t end = cut ? kMaxQuotedText : text.size();
  while (cut && end > 0 && is_continuation(text[end])) --end;
  std::string out{"'"};
  for (std::size_t i = 0; i < end; ++i) {
    const auto byte = static_cast<unsigned char>(text[i]);
    const bool is_c1 =
        byte == 0xc2 && i + 1 < end && static_cast<unsigned char>(text[i + 1]) < 0xa0;
    if (byte < 0x20 || byte == 0x7f || is_c1) {
      out.append(fmt::format("\\x{:02x}", is_c1 ? static_cast<unsigned char>(text[i + 1]) : byte));
      if (is_c1) ++i;
    } else {
      out.push_back(text[i]);
    }
  }
  return out + (cut ? "...'" : "'");
}

}  // namespace valinor::app
