#include "traffic/departures.hpp"

#include <cmath>

namespace valinor::traffic {
namespace {

constexpr double kNanosPerSecond = 1e9;
constexpr std::uint64_t kSecond = 1'000'000'000;

}  // namespace

Departures::Departures(const PatternConfig& config) noexcept
    : config_{config}, random_{config.seed} {}

Nanos Departures::next() noexcept {
  const std::uint64_t number = number_++;
  switch (config_.pattern) {
    case Pattern::constant: return departure_at(config_.packets_per_second, number);
    case Pattern::incast:
      return departure_at(config_.packets_per_second, number - number % config_.burst);
    case Pattern::poisson: {
      const double rate = static_cast<double>(config_.packets_per_second) / kNanosPerSecond;
      now_ns_ += std::exponential_distribution<double>{rate}(random_);
      break;
    }
    case Pattern::on_off: now_ns_ = next_of_on_off(); break;
  }
  return Nanos{static_cast<std::int64_t>(now_ns_)};
}

double Departures::next_of_on_off() noexcept {
  const double gap =
      kNanosPerSecond / (static_cast<double>(config_.packets_per_second) * config_.peak);
  const double mean_burst = gap * config_.burst;
  // The gap passes in bursts only.
  double at = now_ns_;
  double rest = gap;
  while (burst_left_ns_ < rest) {
    at += burst_left_ns_ + draw_pareto(mean_burst * (config_.peak - 1));
    rest -= burst_left_ns_;
    burst_left_ns_ = draw_pareto(mean_burst);
  }
  burst_left_ns_ -= rest;
  return at + rest;
}

double Departures::draw_pareto(double mean) noexcept {
  const double shape = 3 - 2 * config_.hurst;  // between 1 and 2: a mean, but no variance
  const double least = mean * (shape - 1) / shape;
  const double uniform = 1 - std::uniform_real_distribution<double>{}(random_);  // above 0
  return least * std::pow(uniform, -1 / shape);
}

Nanos departure_at(std::uint64_t packets_per_second, std::uint64_t number) noexcept {
  // In two parts: the product would not fit 64 bits after some hours.
  return Nanos{
      static_cast<std::int64_t>(number / packets_per_second * kSecond +
                                number % packets_per_second * kSecond / packets_per_second)};
}

std::uint64_t packets_before(std::uint64_t packets_per_second, Nanos time) noexcept {
  const auto nanos = static_cast<std::uint64_t>(time.count());
  return nanos / kSecond * packets_per_second +
         (nanos % kSecond * packets_per_second + kSecond - 1) / kSecond;
}

}  // namespace valinor::traffic
