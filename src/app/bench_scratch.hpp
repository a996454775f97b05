/// Where the records of `bench export` go: a key of Redis, or files. It was not there before, and
/// it is gone afterwards.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "exporter/config.hpp"

namespace valinor::app {

/// One thread. The destructor removes what is there.
class ScratchStore {
 public:
  virtual ~ScratchStore() = default;

  /// "redis, sorted set"
  [[nodiscard]] virtual std::string name() const = 0;

  /// Where it is, in one line.
  [[nodiscard]] virtual std::string describe() const = 0;

  /// Of an Exporter that stores there, and nowhere else.
  [[nodiscard]] virtual const exporter::ExporterConfig& config() const noexcept = 0;

  /// How many records are there now, as the store itself says; nothing: nobody can say. Throws
  /// Failure.
  [[nodiscard]] virtual std::optional<std::uint64_t> count() = 0;

  /// What they take there.
  [[nodiscard]] virtual std::optional<std::uint64_t> bytes() = 0;

  /// Empty again. Throws Failure.
  virtual void clear() = 0;
};

/// One for each store that `config` names; where it names none, one that keeps nothing. `key`: of
/// Redis; nothing: one that is no run's. Throws Failure: BENCH-KEY-01 where that is there already,
/// BENCH-STORE-01 where a server does not answer.
[[nodiscard]] std::vector<std::unique_ptr<ScratchStore>> make_scratch_stores(
    const exporter::ExporterConfig& config, std::optional<std::uint32_t> key);

}  // namespace valinor::app
