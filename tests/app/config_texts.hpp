/// Loads texts for the tests of configuration, and what became of them.
#pragma once

#include <gtest/gtest.h>

#include <string>
#include <string_view>

#include "app/config_load.hpp"

namespace valinor::app {

/// A file that is good, to which tests add lines.
inline std::string with_interface(std::string_view more) {
  return std::string{"version: 1\ninterfaces: [{name: eth0}]\n"}.append(more);
}

/// The problems as printed; empty if it loads.
inline std::string problems_of(std::string_view text, const ConfigSources& more = {}) {
  const LoadResult loaded = load_config_text(text, "t.yaml", more);
  return loaded ? std::string{} : to_text(loaded.error());
}

/// The configuration; a text with problems fails the test.
inline Config config_of(std::string_view text, const ConfigSources& more = {}) {
  const LoadResult loaded = load_config_text(text, "t.yaml", more);
  if (loaded) return loaded->config;
  ADD_FAILURE() << to_text(loaded.error());
  return {};
}

/// The problems of one --set on a good file.
inline std::string problems_of_set(std::string path, std::string value) {
  return problems_of(with_interface(""), {{}, {{"--set", std::move(path), std::move(value)}}});
}

/// A good file after one --set.
inline Config config_of_set(std::string path, std::string value) {
  return config_of(with_interface(""), {{}, {{"--set", std::move(path), std::move(value)}}});
}

}  // namespace valinor::app
