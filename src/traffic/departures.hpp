/// When packets leave: the patterns of traffic that can be sent.
#pragma once

#include <cstdint>
#include <random>

#include "base/time.hpp"

namespace valinor::traffic {

enum class Pattern : std::uint8_t {
  constant,  // evenly
  poisson,   // gaps that are exponentially distributed: many independent senders
  on_off,    // bursts and pauses of all lengths: self-similar
  incast,    // many senders at once, again and again
};

struct PatternConfig {
  Pattern pattern = Pattern::constant;
  std::uint64_t packets_per_second = 1;  // on average; at least 1
  std::uint32_t burst = 64;  // packets: of each incast, of an on-off burst on average; at least 1
  double peak = 10;          // on_off: rate within bursts over the average; above 1
  double hurst = 0.8;        // on_off: Hurst parameter; above 0.5, below 1
  std::uint32_t seed = 1;    // the same seed, the same times
};

/// The times of one packet after the other. One thread.
///
/// on_off: bursts and pauses last times that follow Pareto distributions of shape 3 - 2 * hurst.
/// Over times well above theirs such traffic has the Hurst parameter `hurst` (Taqqu, Willinger,
/// Sherman: Proof of a Fundamental Result in Self-Similar Traffic Modeling, 1997).
class Departures {
 public:
  explicit Departures(const PatternConfig& config) noexcept;

  /// Of the next packet, since the start of the traffic; never before the packet before it.
  [[nodiscard]] Nanos next() noexcept;

 private:
  [[nodiscard]] double next_of_on_off() noexcept;
  [[nodiscard]] double draw_pareto(double mean) noexcept;

  PatternConfig config_;
  std::uint64_t number_ = 0;  // of the next packet
  std::mt19937_64 random_;
  double now_ns_ = 0;         // poisson, on_off: of the last packet
  double burst_left_ns_ = 0;  // on_off
};

/// When packet `number`, from 0, of an even rate leaves; exact for all times.
[[nodiscard]] Nanos departure_at(std::uint64_t packets_per_second, std::uint64_t number) noexcept;

/// How many packets of an even rate leave before `time`, which is not negative.
[[nodiscard]] std::uint64_t packets_before(std::uint64_t packets_per_second, Nanos time) noexcept;

}  // namespace valinor::traffic
