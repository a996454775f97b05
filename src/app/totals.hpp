/// Adds up what ports, workers, the tap and the exporter have counted.
#pragma once

#include <optional>
#include <string>

#include "app/books.hpp"
#include "app/live_report.hpp"
#include "app/wiring.hpp"
#include "exporter/exporter_stats.hpp"
#include "tap/egress_tap.hpp"

namespace valinor::app {

/// What is counted; `tap` may be null. Any call reads counters that may still be moving; the books
/// are exact once everything has stopped.
struct Counted {
  const Wiring& wiring;
  const tap::EgressTap* tap;
  const exporter::ExporterStats& exporter;

  [[nodiscard]] LiveTotals live() const;
  [[nodiscard]] FrameBooks frames() const;
  [[nodiscard]] RecordBooks records() const;
  [[nodiscard]] std::optional<TapBooks> tapped() const;

  /// Lines about what two-sided roles did: edits, broken telemetry passed on, RPCs; "" for others.
  [[nodiscard]] std::string details() const;
};

}  // namespace valinor::app
