/// Adds up what ports, workers, the tap and the exporter have counted.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "app/books.hpp"
#include "app/live_report.hpp"
#include "app/wiring.hpp"
#include "exporter/exporter_stats.hpp"
#include "tap/egress_tap.hpp"

namespace valinor::app {

/// Of one record ring.
struct RingLosses {
  std::string producer;  // "eth0/3", "tap"
  const telemetry::RecordLosses& losses;
};

/// What is counted; `tap` may be null. Any call reads counters that may still be moving; the books
/// are exact once everything has stopped.
class Counted {
 public:
  Counted(const Wiring& wiring, const tap::EgressTap* tap,
          std::vector<exporter::ExporterTotals> exporter)
      : wiring_{wiring}, tap_{tap}, exporter_{std::move(exporter)} {}

  [[nodiscard]] LiveTotals live() const;
  [[nodiscard]] FrameBooks frames() const;
  [[nodiscard]] std::vector<RecordBooks> records() const;
  [[nodiscard]] std::optional<TapBooks> tapped() const;

  /// When records were lost as ring_full. After all producers have ended.
  [[nodiscard]] std::vector<RingLosses> ring_losses() const;

  /// Lines that say more of the same frames: by which rule they were steered, in which bursts they
  /// came during `elapsed`, edits, broken telemetry that was passed on, RPCs. Only what occurred.
  [[nodiscard]] std::string details(std::chrono::duration<double> elapsed) const;

 private:
  [[nodiscard]] std::string steering() const;
  [[nodiscard]] std::string load(std::chrono::duration<double> elapsed) const;
  [[nodiscard]] std::string times() const;
  [[nodiscard]] std::string residence() const;
  [[nodiscard]] std::string notes() const;

  const Wiring& wiring_;
  const tap::EgressTap* tap_;
  std::vector<exporter::ExporterTotals> exporter_;
};

}  // namespace valinor::app
