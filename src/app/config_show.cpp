#include "app/config_show.hpp"

#include <fmt/format.h>

#include <cstddef>
#include <string_view>
#include <vector>

#include "app/config_value.hpp"
#include "app/schema.hpp"

namespace valinor::app {
namespace {

constexpr std::string_view kEntry = "interfaces[]";
constexpr std::size_t kOriginColumn = 46;

std::vector<std::string_view> split_path(std::string_view path) {
  std::vector<std::string_view> names;
  while (true) {
    const std::size_t dot = path.find('.');
    names.push_back(path.substr(0, dot));
    if (dot == std::string_view::npos) return names;
    path.remove_prefix(dot + 1);
  }
}

class Printer {
 public:
  explicit Printer(const LoadedConfig& loaded) : loaded_{loaded} {}

  std::string print() {
    bool interfaces_done = false;
    for (const SchemaKey& key : schema()) {
      if (!key.path.starts_with(kEntry)) {
        line(key, key.path, 0, 0, false);
      } else if (!interfaces_done) {
        interfaces_done = true;
        interfaces();
      }
    }
    return std::move(out_);
  }

 private:
  void interfaces() {
    const std::size_t count = loaded_.config.interfaces.size();
    out_.append(count == 0 ? "interfaces: []\n" : "interfaces:\n");
    for (std::size_t i = 0; i < count; ++i) {
      open_.clear();
      bool first = true;
      for (const SchemaKey& key : schema()) {
        if (!key.path.starts_with(kEntry)) continue;
        line(key, key.path.substr(kEntry.size() + 1), i, 4, first);
        first = false;
      }
    }
    open_.clear();
  }

  /// One key, after the names of the sections that it is the first of.
  void line(const SchemaKey& key, std::string_view path, std::size_t interface, std::size_t indent,
            bool starts_entry) {
    auto names = split_path(path);
    const std::string_view name = names.back();
    names.pop_back();
    for (std::size_t depth = 0; depth < names.size(); ++depth) {
      if (depth < open_.size() && open_[depth] == names[depth]) continue;
      open_.resize(depth);
      open_.push_back(names[depth]);
      out_.append(indent + 2 * depth, ' ').append(names[depth]).append(":\n");
    }
    open_.resize(names.size());
    std::string text(indent + 2 * names.size(), ' ');
    if (starts_entry) text.replace(text.size() - 2, 1, "-");
    text.append(name).append(": ").append(to_text(key, key.get(loaded_.config, interface)));
    out_.append(fmt::format("{:<{}}  # {}\n", text, kOriginColumn, origin(key, interface)));
  }

  std::string_view origin(const SchemaKey& key, std::size_t interface) const {
    std::string path{key.path};
    if (path.starts_with(kEntry)) {
      path = fmt::format("interfaces[{}]{}", interface, path.substr(kEntry.size()));
    }
    const auto found = loaded_.origins.find(path);
    return found == loaded_.origins.end() ? "default" : std::string_view{found->second};
  }

  const LoadedConfig& loaded_;
  std::vector<std::string_view> open_;  // sections whose names are printed
  std::string out_;
};

}  // namespace

std::string print_effective(const LoadedConfig& loaded) { return Printer{loaded}.print(); }

}  // namespace valinor::app
