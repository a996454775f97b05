/// Makes the sinks that the configuration names.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "exporter/config.hpp"
#include "exporter/record_store.hpp"
#include "exporter/sink.hpp"

namespace valinor::exporter {

/// One for all records that it is given, also where there are shards. Reads passwords and
/// certificates, so call it while files may be read. Throws Failure for one that is not there,
/// never for a server that is away: the store goes on trying.
[[nodiscard]] std::unique_ptr<RecordStore> make_store(const ExporterConfig& config);

struct Sinks {
  std::vector<SinkParts> parts;
  std::string no_spill;  // why records cannot wait on disk, where they should; else empty
  std::vector<std::string> warnings;  // about files of other runs
  std::string file;                   // FileStore's path; empty: there is none
};

/// The configured stores; that in Redis, or those of its shards and forms, with their room on disk
/// (WhenFull::spill), and what ended runs have left there for them. Opens files, so before the
/// process gives up its rights. Throws Failure (FILE-OPEN-01).
[[nodiscard]] Sinks make_sinks(const ExporterConfig& config);

}  // namespace valinor::exporter
