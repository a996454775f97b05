#include "doctor/gather.hpp"

#include <bpf/bpf.h>
#include <linux/bpf.h>
#include <linux/capability.h>
#include <linux/magic.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/utsname.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <fstream>

#include "base/bpf.hpp"
#include "base/thread.hpp"
#include "base/unique_fd.hpp"
#include "nic/cpu_list.hpp"
#include "nic/rss.hpp"

namespace valinor::doctor {
namespace {

std::string read_line(const std::string& path) {
  std::ifstream file{path};
  std::string line;
  std::getline(file, line);
  return line;
}

/// Whether sockets of the kind exist; they may still not be for us.
bool knows_af_xdp() {
  const UniqueFd socket{::socket(AF_XDP, SOCK_RAW | SOCK_CLOEXEC, 0)};
  return socket || (errno != EAFNOSUPPORT && errno != ESOCKTNOSUPPORT);
}

/// By what became of a program; the sysctl is not seen from every network namespace.
std::optional<bool> is_jit_on() {
  const std::array<bpf_insn, 2> instructions{
      bpf_insn{BPF_ALU64 | BPF_MOV | BPF_K, BPF_REG_0, 0, 0, XDP_PASS},
      bpf_insn{BPF_JMP | BPF_EXIT, 0, 0, 0, 0}};
  const UniqueFd program{::bpf_prog_load(BPF_PROG_TYPE_XDP, "valinor_doctor", "GPL",
                                         instructions.data(), instructions.size(), nullptr)};
  bpf_prog_info info{};
  std::uint32_t bytes = sizeof info;
  if (!program || ::bpf_obj_get_info_by_fd(program.get(), &info, &bytes) != 0) return std::nullopt;
  return info.jited_prog_len != 0;
}

bool is_bpffs() {
  struct statfs found {};
  return ::statfs("/sys/fs/bpf", &found) == 0 && found.f_type == BPF_FS_MAGIC;
}

/// A process may raise its limit as far as the hard one, and a privileged one further.
std::optional<std::uint64_t> memlock_limit() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_MEMLOCK, &limit) != 0 || limit.rlim_max == RLIM_INFINITY ||
      bpf::has_capability(CAP_SYS_RESOURCE)) {
    return std::nullopt;
  }
  return limit.rlim_max;
}

void read_cpus(HostFacts& host) {
  for (const CpuId cpu : allowed_cpus()) {
    const std::string folder = "/sys/devices/system/cpu/cpu" + std::to_string(cpu.value());
    const std::string governor = read_line(folder + "/cpufreq/scaling_governor");
    if (!governor.empty()) host.governors[cpu] = governor;
    host.siblings[cpu] = nic::parse_cpu_list(read_line(folder + "/topology/thread_siblings_list"));
  }
}

}  // namespace

HostFacts gather_host() {
  bpf::log_libbpf_as_debug();
  HostFacts host;
  utsname name{};
  ::uname(&name);
  host.release = name.release;
  host.kernel = parse_kernel_version(host.release);
  host.af_xdp = knows_af_xdp();
  host.jit = is_jit_on();
  host.btf = ::access("/sys/kernel/btf/vmlinux", R_OK) == 0;
  host.bpffs = is_bpffs();
  host.page_bytes = static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
  host.capabilities = {{"CAP_NET_RAW", bpf::has_capability(CAP_NET_RAW)},
                       {"CAP_NET_ADMIN", bpf::has_capability(CAP_NET_ADMIN)},
                       {"CAP_BPF", bpf::has_capability(CAP_BPF)},
                       {"CAP_PERFMON", bpf::has_capability(CAP_PERFMON)},
                       {"CAP_IPC_LOCK", bpf::has_capability(CAP_IPC_LOCK)},
                       {"CAP_SYS_ADMIN", bpf::has_capability(CAP_SYS_ADMIN)}};
  host.memlock_bytes = memlock_limit();
  std::ifstream{"/sys/kernel/mm/hugepages/hugepages-2048kB/free_hugepages"} >> host.huge_pages_free;
  read_cpus(host);
  return host;
}

NicFacts gather_nic(const std::string& interface) {
  const nic::Device device{interface};
  NicFacts facts;
  facts.name = interface;
  facts.link = nic::link_of(device);
  facts.driver = nic::driver_info(device).value_or(nic::DriverInfo{});
  facts.speed = nic::link_speed(device);
  facts.queues = packet_io::afxdp::find_interface(interface).queues;
  facts.channels = nic::channels(device);
  facts.rings = nic::hardware_rings(device);
  facts.coalescing = nic::coalescing(device);
  facts.features = nic::features(device);
  facts.private_flags = nic::private_flags(device);
  facts.rss = nic::rss_table(device);
  facts.rules = nic::flow_rules(device);
  facts.stamps = nic::timestamp_abilities(device);
  facts.stamping = nic::hardware_stamping(device);
  facts.xdp = nic::xdp_features(device);
  facts.programs = nic::xdp_attachments(device);
  facts.place = nic::placement(device);
  return facts;
}

}  // namespace valinor::doctor
