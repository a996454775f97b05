/// The options that exist, with their help texts, and what CLI11 makes of argv. command_line.cpp
/// judges it.
#pragma once

#include <string>
#include <vector>

#include "app/command_line.hpp"

namespace CLI {
class App;
}

namespace valinor::app {

inline constexpr const char* kProgram = "valinor-afxdp";

/// What CLI11 writes into; turned into a CommandLine once all of it was accepted.
struct Given {
  std::vector<std::string> files;
  std::vector<std::string> sets;
  int verbose = 0;
  bool quiet = false;
  RunCommand run;
  bool run_json = false;
  std::string duration;
  std::string key;
  bool append = false;
  bool overwrite = false;
  std::vector<std::string> tap_interfaces;
  CheckCommand check;
  std::vector<std::string> check_files;
  ReplayCommand replay;
  std::string replay_output;
  std::string export_from;
  std::string export_to;
  bool export_overwrite = false;
  std::string export_time;
  GivenTraffic traffic;
  GivenBench bench;
  DoctorCommand doctor;
  ListCommand list;
  VersionCommand version;
};

/// Gives `app` all commands and options; what is parsed lands in `given`, which outlives it.
void describe_options(CLI::App& app, Given& given);

}  // namespace valinor::app
