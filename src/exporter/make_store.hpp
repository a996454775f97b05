/// Chooses the store that the configuration names.
#pragma once

#include <memory>

#include "exporter/config.hpp"
#include "exporter/record_store.hpp"

namespace valinor::exporter {

/// Never fails for a server that is away: the store goes on trying.
[[nodiscard]] std::unique_ptr<RecordStore> make_store(const ExporterConfig& config);

}  // namespace valinor::exporter
