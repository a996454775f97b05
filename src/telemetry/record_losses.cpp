#include "telemetry/record_losses.hpp"

#include <algorithm>

namespace valinor::telemetry {
namespace {

/// An exporter that is behind makes room for some records each few milliseconds: a span for each
/// of these gaps would say no more.
constexpr Nanos kApart{10'000'000};

}  // namespace

void RecordLosses::add(HostTime time) noexcept {
  const bool goes_on = !kept_.empty() && std::chrono::abs(time - last_) < kApart;
  last_ = goes_on ? std::max(last_, time) : time;
  if (!goes_on && kept_.size() == kMostKept) {
    ++left_out_;
  } else if (!goes_on) {
    kept_.push_back({.from = time, .to = time, .records = 1});
  } else if (left_out_ == 0) {
    Span& span = kept_.back();
    span.from = std::min(span.from, time);  // stamps of a NIC may go back a little
    span.to = last_;
    ++span.records;
  }
}

}  // namespace valinor::telemetry
