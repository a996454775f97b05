#include "path/whole_path.hpp"

#include <utility>

#include "clock/tsc.hpp"
#include "packet_io/frame.hpp"

namespace valinor::bench {
namespace {

/// A clock of 2.6 GHz; what time it is does not matter.
clock::Timebase make_timebase() {
  const auto slope = clock::Slope::from_nanos_per_tick(0.385);
  return {.pivot = clock::read_tsc(), .at_pivot = {}, .slope_before = slope, .slope_after = slope};
}

pipeline::WorkerConfig with_role(pipeline::Role role) {
  pipeline::WorkerConfig config;
  config.role = role;
  return config;
}

}  // namespace

WholePath::WholePath(pipeline::Role role, Frames frames)
    : kernel_{std::move(frames)},
      records_{std::size_t{1} << 20},
      timebase_{make_timebase()},
      worker_{with_role(role),
              0,
              {{.in = &kernel_.port(),
                .out = &kernel_.port(),
                .treatment = pipeline::from_network(role)}},
              {records_, timebase_}} {}

std::uint32_t WholePath::deliver() noexcept { return kernel_.deliver(packet_io::kMaxBurst); }

void WholePath::turn() noexcept { worker_.turn(); }

std::size_t WholePath::take_records() {
  const std::size_t records = records_.read([](const telemetry::RecordView&) { return true; });
  records_.release();
  return records;
}

}  // namespace valinor::bench
