/// What `doctor` judges: facts, gathered by gather.cpp and bind_test.cpp, or written down by a
/// test.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/failure.hpp"
#include "base/kernel_version.hpp"
#include "base/units.hpp"
#include "nic/ethtool.hpp"
#include "nic/features.hpp"
#include "nic/flow_rules.hpp"
#include "nic/link.hpp"
#include "nic/placement.hpp"
#include "nic/timestamping.hpp"
#include "nic/xdp_attachment.hpp"
#include "nic/xdp_features.hpp"
#include "packet_io/afxdp/config.hpp"
#include "packet_io/afxdp/interface.hpp"

namespace valinor::doctor {

struct HostFacts {
  std::string release;  // as `uname -r`
  KernelVersion kernel;
  bool af_xdp = true;       // CONFIG_XDP_SOCKETS
  std::optional<bool> jit;  // BPF programs run as machine code; nothing: may not be asked
  bool btf = true;          // /sys/kernel/btf/vmlinux
  bool bpffs = true;        // /sys/fs/bpf
  std::size_t page_bytes = 4096;
  std::map<std::string, bool> capabilities;      // "CAP_NET_RAW"
  std::optional<std::uint64_t> memlock_bytes;    // that may be locked; nothing: no limit
  std::uint64_t huge_pages_free = 0;             // of 2 MiB
  std::map<CpuId, std::string> governors;        // of those CPUs that have one
  std::map<CpuId, std::vector<CpuId>> siblings;  // threads of the same core, itself included
};

/// What came of a socket on one queue.
struct QueueBind {
  QueueId queue;
  bool zerocopy = false;
  std::string zerocopy_refusal;    // why it is not, where it was tried
  std::optional<Finding> refusal;  // neither way: the queue cannot be used
};

struct BindTest {
  std::string skipped;             // why it was not made; empty: it was
  std::optional<Finding> failure;  // what ended it: rights, memory, the kernel
  std::string native_refusal;      // why the driver takes no native program; empty: it does
  std::vector<QueueBind> queues;
};

struct NicFacts {
  std::string name;
  nic::Link link;
  nic::DriverInfo driver;
  std::optional<std::uint32_t> speed;  // megabits a second
  packet_io::afxdp::QueueCounts queues;
  std::optional<nic::ChannelCounts> channels;
  std::optional<nic::HardwareRingSizes> rings;
  std::optional<nic::Coalescing> coalescing;
  std::map<std::string, nic::Feature> features;
  std::map<std::string, bool> private_flags;
  std::vector<std::uint32_t> rss;
  std::optional<std::vector<nic::FlowRule>> rules;
  std::optional<nic::TimestampAbilities> stamps;
  std::optional<nic::HardwareStamping> stamping;
  std::optional<nic::XdpFeatures> xdp;  // nothing: kernel before 6.3
  std::vector<nic::XdpAttachment> programs;
  nic::Placement place;
  BindTest bind;
};

/// What a run wants of an interface.
struct Wanted {
  packet_io::afxdp::InterfaceConfig interface;
  std::size_t queue_count = 1;  // that are read
  std::vector<CpuId> cpus;      // of the workers that are pinned
  bool is_configured = false;   // by a file; else the defaults are assumed
};

}  // namespace valinor::doctor
