#include "nic/placement.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "nic/cpu_list.hpp"

namespace valinor::nic {
namespace {

namespace fs = std::filesystem;

std::string folder_of(const Device& device) { return "/sys/class/net/" + device.name(); }

/// The first line; empty where the file is not there.
std::string read_line(const std::string& path) {
  std::ifstream file{path};
  std::string line;
  std::getline(file, line);
  return line;
}

template <class Number>
std::optional<Number> read_number(const std::string& path) {
  std::istringstream text{read_line(path)};
  Number number{};
  if (text >> number) return number;
  return std::nullopt;
}

std::vector<Interrupt> interrupts_of(const std::string& hardware) {
  std::vector<Interrupt> found;
  std::error_code ignored;  // no folder: no interrupts that we could tell
  for (const auto& entry : fs::directory_iterator{hardware + "/msi_irqs", ignored}) {
    const std::string name = entry.path().filename().string();
    Interrupt interrupt;
    std::from_chars(name.data(), name.data() + name.size(), interrupt.number);
    const std::string at = "/proc/irq/" + name;
    std::string cpus = read_line(at + "/effective_affinity_list");
    if (cpus.empty()) cpus = read_line(at + "/smp_affinity_list");
    interrupt.cpus = parse_cpu_list(cpus);
    // One that nobody asked for, such as a spare vector, has no folder.
    if (!interrupt.cpus.empty()) found.push_back(std::move(interrupt));
  }
  std::sort(found.begin(), found.end(),
            [](const Interrupt& a, const Interrupt& b) { return a.number < b.number; });
  return found;
}

std::optional<PcieLink> pcie_of(const std::string& hardware) {
  // Speeds read "8.0 GT/s PCIe".
  const auto speed = read_number<double>(hardware + "/current_link_speed");
  const auto most_speed = read_number<double>(hardware + "/max_link_speed");
  const auto lanes = read_number<std::uint32_t>(hardware + "/current_link_width");
  const auto most_lanes = read_number<std::uint32_t>(hardware + "/max_link_width");
  if (!speed || !most_speed || !lanes || !most_lanes || *lanes == 0) return std::nullopt;
  return PcieLink{*speed, *most_speed, *lanes, *most_lanes};
}

}  // namespace

Placement placement(const Device& device) {
  Placement place;
  if (!device.is_in_sysfs()) return place;
  std::error_code none;
  // Of virtio and the like the interesting facts are those of the device above, which is on PCI.
  const fs::path own = fs::canonical(folder_of(device) + "/device", none);
  if (none) return place;
  const bool is_pci = fs::exists(own / "msi_irqs", none) || fs::exists(own / "local_cpulist", none);
  const std::string hardware = is_pci ? own.string() : own.parent_path().string();
  const auto node = read_number<int>(hardware + "/numa_node");
  if (node && *node >= 0) place.numa_node = node;
  place.local_cpus = parse_cpu_list(read_line(hardware + "/local_cpulist"));
  place.interrupts = interrupts_of(hardware);
  place.pcie = pcie_of(hardware);
  return place;
}

std::optional<NapiDeferral> napi_deferral(const Device& device) {
  if (!device.is_in_sysfs()) return std::nullopt;
  const auto irqs = read_number<std::uint32_t>(folder_of(device) + "/napi_defer_hard_irqs");
  const auto timeout = read_number<std::uint64_t>(folder_of(device) + "/gro_flush_timeout");
  if (!irqs || !timeout) return std::nullopt;
  return NapiDeferral{*irqs, *timeout};
}

int set_napi_deferral(const Device& device, const NapiDeferral& wanted) {
  const int error = device.write_sysfs("napi_defer_hard_irqs", wanted.hard_irqs);
  if (error != 0) return error;
  return device.write_sysfs("gro_flush_timeout", wanted.flush_timeout_ns);
}

}  // namespace valinor::nic
