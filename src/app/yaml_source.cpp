#include "app/yaml_source.hpp"

namespace valinor::app {

std::string Source::to_text(Place place) const {
  if (is_option || place.line == 0) return name;
  return name + ":" + std::to_string(place.line) + ":" + std::to_string(place.column);
}

std::string_view Source::line(std::size_t number) const {
  std::string_view rest{text};
  for (std::size_t skipped = 1; skipped < number; ++skipped) {
    const std::size_t end = rest.find('\n');
    if (end == std::string_view::npos) return {};
    rest.remove_prefix(end + 1);
  }
  rest = rest.substr(0, rest.find('\n'));
  if (rest.ends_with('\r')) rest.remove_suffix(1);
  return number == 0 ? std::string_view{} : rest;
}

}  // namespace valinor::app
