/// The whole configuration: what conf/nic.yaml says, with its defaults. app/config_load reads YAML
/// into it by the table in app/schema; each module gets the part that it declares.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "app/privileges.hpp"
#include "app/time_source.hpp"
#include "base/log.hpp"
#include "clock/config.hpp"
#include "exporter/config.hpp"
#include "packet_io/afxdp/config.hpp"
#include "pipeline/config.hpp"
#include "tap/config.hpp"

namespace valinor::app {

struct RunConfig {
  std::string name;                      // free text, shown at start
  std::chrono::nanoseconds duration{0};  // 0: until SIGINT or SIGTERM
  std::uint64_t expected_rate = 0;       // records a second, for forecasts; 0: unknown
};

/// What `run` and `tap` print on stdout.
enum class Output : std::uint8_t {
  text,
  json,  // objects, one a line: docs/json.md
};

struct ObserveConfig {
  log::Level log_level = log::Level::info;
  std::chrono::nanoseconds stats_interval = std::chrono::seconds{1};
  Output output = Output::text;
};

struct Config {
  std::uint32_t version = 1;  // of the form of the file
  RunConfig run;              // its key is exporter.key
  std::vector<packet_io::afxdp::InterfaceConfig> interfaces;
  clock::ClockName clock = clock::ClockName::tai;
  TimeSource time_source = TimeSource::automatic;
  bool residence = false;  // whether it is measured how long packets stay here
  pipeline::WorkerConfig worker;
  std::string forward_to;  // two-sided roles: the interface towards the host
  std::optional<packet_io::afxdp::OtherTraffic> other;  // nothing: as the role needs it
  tap::TapConfig tap;
  exporter::ExporterConfig exporter;
  ObserveConfig observe;
  SecurityConfig security;

  /// Two-sided roles: the interface that is not forward_to.
  [[nodiscard]] const packet_io::afxdp::InterfaceConfig& network_side() const;

  /// Two-sided roles: forward_to, as it is listed in `interfaces`, else like the network's side,
  /// but with its NIC's settings left as they are.
  [[nodiscard]] packet_io::afxdp::InterfaceConfig host_side() const;
};

}  // namespace valinor::app
