/// What `valinor-afxdp list` prints: a row for each interface.
#pragma once

#include <string>
#include <vector>

#include "doctor/facts.hpp"

namespace valinor::doctor {

/// A table with a heading; every column as wide as its widest entry.
[[nodiscard]] std::string to_table(const std::vector<NicFacts>& nics);

/// [{"name": ..., "driver": ..., ...}], on several lines. Unknown values are null.
[[nodiscard]] std::string to_json_text(const std::vector<NicFacts>& nics);

}  // namespace valinor::doctor
