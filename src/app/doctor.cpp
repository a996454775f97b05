#include "app/doctor.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstdio>

#include "app/cpu_plan.hpp"
#include "app/doctor_redis.hpp"
#include "base/interface_name.hpp"
#include "doctor/bind_test.hpp"
#include "doctor/gather.hpp"
#include "doctor/list.hpp"
#include "doctor/report.hpp"
#include "doctor/rules.hpp"
#include "nic/restore.hpp"
#include "nic/settings.hpp"
#include "packet_io/afxdp/umem.hpp"
#include "pipeline/config.hpp"

namespace valinor::app {
namespace {

using doctor::HostFacts;
using doctor::NicFacts;
using doctor::Report;
using doctor::Wanted;
using packet_io::afxdp::InterfaceConfig;

/// What the configuration says of its interfaces, that of the other side included.
std::vector<InterfaceConfig> configured(const Config* config) {
  if (config == nullptr) return {};
  std::vector<InterfaceConfig> all = config->interfaces;
  const auto is_other_side = [&](const InterfaceConfig& one) {
    return one.name == config->forward_to;
  };
  if (!config->forward_to.empty() && std::none_of(all.begin(), all.end(), is_other_side)) {
    all.push_back(config->host_side());
  }
  return all;
}

/// The interfaces to look at, and what a run wants of each.
std::vector<Wanted> choose(const DoctorCommand& command, const Config* config) {
  std::vector<Wanted> wanted;
  std::vector<InterfaceConfig> known = configured(config);
  if (command.interfaces.empty() && config != nullptr) {
    for (InterfaceConfig& one : known) {
      wanted.push_back({.interface = std::move(one), .cpus = {}, .is_configured = true});
    }
    return wanted;
  }
  std::vector<std::string> names = command.interfaces;
  if (names.empty()) {
    names = interface_names();
    std::erase(names, "lo");
  }
  for (const std::string& name : names) {
    const auto found = std::find_if(known.begin(), known.end(),
                                    [&](const InterfaceConfig& one) { return one.name == name; });
    Wanted one{.interface = {}, .cpus = {}, .is_configured = found != known.end()};
    if (one.is_configured) one.interface = *found;
    one.interface.name = name;
    wanted.push_back(std::move(one));
  }
  return wanted;
}

/// What a run would choose: the size of frames, the CPUs of its workers.
void plan(std::vector<Wanted>& wanted, const std::vector<NicFacts>& nics) {
  std::vector<WorkerGroup> groups;
  for (std::size_t i = 0; i < wanted.size(); ++i) {
    InterfaceConfig& interface = wanted[i].interface;
    interface.umem.frame_size = choose_frame_size({.name = nics[i].name,
                                                   .index = {},
                                                   .mtu = nics[i].link.mtu,
                                                   .driver = nics[i].driver.driver,
                                                   .queues = nics[i].queues},
                                                  interface.mode, interface.umem);
    wanted[i].queue_count = doctor::queues_read(nics[i], wanted[i]).size();
    groups.push_back({.workers = wanted[i].queue_count,
                      .configured = wanted[i].interface.cpus,
                      .near = nics[i].place.local_cpus});
  }
  const auto cpus = plan_cpus(groups, read_host_cpus());
  for (std::size_t i = 0; i < wanted.size(); ++i) {
    for (const auto& cpu : cpus[i]) {
      if (cpu) wanted[i].cpus.push_back(*cpu);
    }
  }
}

Report examine(const DoctorCommand& command, const Config* config) {
  const HostFacts host = doctor::gather_host();
  std::vector<Wanted> wanted = choose(command, config);
  std::vector<NicFacts> nics;
  nics.reserve(wanted.size());
  // Interfaces that nobody has named are looked at, and left alone.
  const bool is_named = !command.interfaces.empty() || config != nullptr;
  for (const Wanted& one : wanted) nics.push_back(doctor::gather_nic(one.interface.name));
  if (!is_named) {
    std::erase_if(nics, [](const NicFacts& nic) { return !nic.link.up; });
    std::erase_if(wanted, [&](const Wanted& one) {
      return std::none_of(nics.begin(), nics.end(),
                          [&](const NicFacts& nic) { return nic.name == one.interface.name; });
    });
  }
  plan(wanted, nics);

  Report report;
  report.sections.push_back({"host", doctor::judge_host(host, wanted)});
  for (std::size_t i = 0; i < wanted.size(); ++i) {
    doctor::BindTest& test = nics[i].bind;
    test.skipped = doctor::reason_not_to_bind(nics[i]);
    const bool may_disturb = command.bind_test && nics[i].programs.empty();
    if (!is_named) {
      test.skipped = "name the interface to test a socket on it";
    } else if (test.skipped.empty() || may_disturb) {
      test = doctor::test_bind(nics[i], wanted[i]);
    }
    report.sections.push_back(
        {wanted[i].interface.name, doctor::judge_nic(nics[i], wanted[i], host)});
  }
  if (config != nullptr && config->exporter.redis.enabled) {
    report.sections.push_back({"redis", examine_redis(*config)});
  }
  return report;
}

bool stops_the_link(const nic::Setting& setting) {
  return std::holds_alternative<nic::Channels>(setting) ||
         std::holds_alternative<nic::HardwareRings>(setting);
}

/// Makes the fixes of one interface, and leaves them for undo().
void fix(const doctor::Section& section) {
  nic::Settings settings{section.name};
  const bool is_real = !nic::link_of(settings.device()).hardware.empty();
  for (const doctor::Diagnosis& one : section.diagnoses) {
    if (!one.fix) continue;
    fmt::print(stderr, "{}: {}{}\n", section.name, one.command,
               is_real && stops_the_link(*one.fix) ? "    (interrupts the link for a moment)" : "");
    try {
      settings.set(*one.fix);
    } catch (const Failure& refusal) {
      std::fputs(refusal.finding().to_text("warning").c_str(), stderr);
    }
  }
  settings.keep();
}

}  // namespace

ExitStatus doctor(const DoctorCommand& command, const Config* config) {
  Report report = examine(command, config);
  if (command.fix && report.fixes() != 0) {
    for (const doctor::Section& section : report.sections) {
      const auto& found = section.diagnoses;
      if (std::any_of(found.begin(), found.end(), [](const auto& one) { return one.fix; })) {
        fix(section);
      }
    }
    report = examine(command, config);
  }
  fmt::print("{}", command.json ? doctor::to_json_text(report) : doctor::to_text(report));
  return report.count(doctor::Level::failure) == 0 ? ExitStatus::done : ExitStatus::host_not_ready;
}

ExitStatus undo(const DoctorCommand& command) {
  std::vector<nic::Restoration> done;
  if (command.interfaces.empty()) done = nic::restore_left_behind(nic::Left::at_all);
  for (const std::string& name : command.interfaces) {
    for (nic::Restoration& one :
         nic::restore_left_behind(nic::Left::at_all, nic::kUndoFolder, name)) {
      done.push_back(std::move(one));
    }
  }
  for (const nic::Restoration& one : done) fmt::print("{}\n", nic::to_text(one));
  if (done.empty()) fmt::print("nothing to undo\n");
  const auto is_left = [](const nic::Restoration& one) {
    return one.result == nic::RestoreResult::refused || one.result == nic::RestoreResult::in_use;
  };
  return std::any_of(done.begin(), done.end(), is_left) ? ExitStatus::host_not_ready
                                                        : ExitStatus::done;
}

ExitStatus list(const ListCommand& command) {
  std::vector<NicFacts> nics;
  for (const std::string& name : interface_names()) nics.push_back(doctor::gather_nic(name));
  fmt::print("{}", command.json ? doctor::to_json_text(nics) : doctor::to_table(nics));
  return ExitStatus::done;
}

}  // namespace valinor::app
