#include "app/schema.hpp"

#include <algorithm>
#include <array>
#include <limits>

#include "app/schema_field.hpp"
#include "base/numbers.hpp"

namespace valinor::app {
namespace {

constexpr Number kMs = 1'000'000;  // in nanoseconds
constexpr Number kS = 1000 * kMs;
constexpr Number kHour = 3600 * kS;
constexpr Number kMax32 = std::numeric_limits<std::uint32_t>::max();

/// Rings: below 64 the kernel and we take turns; above 64 Ki a ring alone exceeds any cache.
constexpr Number kMinRing = 64;
constexpr Number kMaxRing = 65536;

constexpr Number kMaxPath = 4095;
constexpr std::size_t kMaxServers = 64;

using T = ValueType;

// clang-format off
// NOLINTNEXTLINE(bugprone-macro-parentheses): a member's name, which takes no parentheses
#define AT(field) [](auto& config, [[maybe_unused]] std::size_t i) -> auto& { return config.field; }

constexpr std::array kSchema{
  row({.path = "version", .type = T::number, .default_text = "",
       .doc = "version of the form of this file", .min = 1, .max = 1}, AT(version)),

  row({.path = "run.key", .type = T::number, .default_text = "0",
       .doc = "Redis key of the run's sorted set, and the run's number", .min = 0, .max = kMax32},
      AT(exporter.key)),
  row({.path = "run.name", .type = T::text, .default_text = "\"\"",
       .doc = "free text, shown at start", .max = 128}, AT(run.name)),
  row({.path = "run.duration", .type = T::duration, .default_text = "0s",
       .doc = "ends the run after this time; 0s: at SIGINT or SIGTERM", .min = 0, .max = 8760 * kHour},
      AT(run.duration)),
  row({.path = "run.expected_rate", .type = T::number, .default_text = "0",
       .doc = "records that are expected, for a forecast of Redis' memory; 0: unknown",
       .unit = "records a second", .max = 1'000'000'000}, AT(run.expected_rate)),
  row({.path = "run.on_existing", .type = T::choice, .default_text = "refuse",
       .doc = "what becomes of a run whose key holds records already",
       .choices = "refuse|append|overwrite"}, AT(exporter.on_existing)),

  row({.path = "interfaces[].name", .type = T::interface_name, .default_text = "",
       .doc = "the kernel's name of the NIC"}, AT(interfaces[i].name)),
  row({.path = "interfaces[].queues", .type = T::id_list, .default_text = "all",
       .doc = "receive queues to serve, one worker each", .unit = "queue numbers", .max = 1023,
       .max_items = 1024, .choices = "all"}, AT(interfaces[i].queues)),
  row({.path = "interfaces[].mode", .type = T::choice, .default_text = "auto",
       .doc = "how packets get from the NIC to the program", .choices = "auto|zerocopy|copy|skb|offload"},
      AT(interfaces[i].mode)),
  row({.path = "interfaces[].offload_sample", .type = T::number, .default_text = "0",
       .doc = "mode offload: of other traffic, one frame in so many still reaches the host; 0: none",
       .unit = "frames", .min = 0, .max = 1000000000},
      AT(interfaces[i].offload_sample)),
  row({.path = "interfaces[].cpus", .type = T::id_list, .default_text = "auto",
       .doc = "CPUs of the workers, one for each queue", .unit = "CPU numbers", .max = 4095,
       .max_items = 1024, .repeats = true, .choices = "auto"}, AT(interfaces[i].cpus)),
  row({.path = "interfaces[].takeover", .type = T::boolean, .default_text = "false",
       .doc = "whether an XDP program that is there already is taken off"},
      AT(interfaces[i].takeover)),
  row({.path = "interfaces[].promiscuous", .type = T::boolean, .default_text = "false",
       .doc = "whether frames for other addresses are received as well"},
      AT(interfaces[i].promiscuous)),
  row({.path = "interfaces[].umem.frames", .type = T::number, .default_text = "8192",
       .doc = "packet buffers of a queue", .unit = "frames", .min = 128, .max = 1048576},
      AT(interfaces[i].umem.frames)),
  row({.path = "interfaces[].umem.frame_size", .type = T::number, .default_text = "auto",
       .doc = "bytes of a packet buffer: 2048 or 4096", .unit = "bytes", .min = 2048, .max = 4096,
       .power_of_two = true, .choices = "auto"}, AT(interfaces[i].umem.frame_size)),
  row({.path = "interfaces[].umem.hugepages", .type = T::choice, .default_text = "auto",
       .doc = "whether packet memory is in pages of 2 MiB", .choices = "auto|require|off"},
      AT(interfaces[i].umem.huge_pages)),
  row({.path = "interfaces[].rings.rx", .type = T::number, .default_text = "2048",
       .doc = "received packets that may wait for the worker", .unit = "entries", .min = kMinRing,
       .max = kMaxRing, .power_of_two = true}, AT(interfaces[i].rings.rx)),
  row({.path = "interfaces[].rings.fill", .type = T::number, .default_text = "4096",
       .doc = "empty frames handed to the NIC in advance", .unit = "entries", .min = kMinRing,
       .max = kMaxRing, .power_of_two = true}, AT(interfaces[i].rings.fill)),
  row({.path = "interfaces[].rings.tx", .type = T::number, .default_text = "2048",
       .doc = "packets that may wait for the NIC to send them", .unit = "entries", .min = kMinRing,
       .max = kMaxRing, .power_of_two = true}, AT(interfaces[i].rings.tx)),
  row({.path = "interfaces[].rings.completion", .type = T::number, .default_text = "4096",
       .doc = "sent frames that may wait to be taken back", .unit = "entries", .min = kMinRing,
       .max = kMaxRing, .power_of_two = true}, AT(interfaces[i].rings.completion)),
  row({.path = "interfaces[].poll.mode", .type = T::choice, .default_text = "auto",
       .doc = "what a worker does while no packet is there", .choices = "auto|busy|wakeup"},
      AT(interfaces[i].poll)),
  row({.path = "interfaces[].poll.prefer_busy", .type = T::boolean, .default_text = "false",
       .doc = "whether workers poll the NIC themselves, in place of its interrupts"},
      AT(interfaces[i].prefer_busy_poll)),
  row({.path = "interfaces[].poll.budget", .type = T::number, .default_text = "64",
       .doc = "prefer_busy: packets that one poll of the NIC takes", .unit = "packets", .min = 1,
       .max = 1024}, AT(interfaces[i].busy_poll_budget)),
  row({.path = "interfaces[].poll.napi_defer", .type = T::choice, .default_text = "auto",
       .doc = "whether interrupts are deferred while poll.prefer_busy is on", .choices = "auto|off"},
      AT(interfaces[i].settings.deferral)),
  row({.path = "interfaces[].channels", .type = T::number, .default_text = "0",
       .doc = "queues that the NIC is set to have while the run lasts; 0: as many as there are",
       .unit = "queues", .max = 1024}, AT(interfaces[i].settings.channels)),
  row({.path = "interfaces[].nic_rings.rx", .type = T::number, .default_text = "0",
       .doc = "size that the NIC's own receive rings are set to; 0: as large as they are",
       .unit = "descriptors", .max = kMaxRing}, AT(interfaces[i].settings.rings.rx)),
  row({.path = "interfaces[].nic_rings.tx", .type = T::number, .default_text = "0",
       .doc = "the same of its transmit rings", .unit = "descriptors", .max = kMaxRing},
      AT(interfaces[i].settings.rings.tx)),
  row({.path = "interfaces[].rss", .type = T::choice, .default_text = "leave",
       .doc = "queues that the NIC spreads packets over by the hash of their flow",
       .choices = "leave|served"}, AT(interfaces[i].settings.spread)),
  row({.path = "interfaces[].steer", .type = T::steering, .default_text = "[]",
       .doc = "rules by which the NIC puts packets on one queue", .max_items = 64},
      AT(interfaces[i].settings.steer)),

  row({.path = "telemetry.match.ethertypes", .type = T::number_list, .default_text = "[0x1212]",
       .doc = "Ethernet types that are telemetry", .unit = "Ethernet types", .min = 0x600,
       .max = 0xffff, .max_items = wire::kMaxMatchEthertypes, .hex = true},
      AT(worker.match.ethertypes)),
  row({.path = "telemetry.match.ip_protocols", .type = T::number_list,
       .default_text = "[253, 255]", .doc = "IP protocol numbers that are telemetry",
       .unit = "IP protocols", .max = 255, .max_items = 256}, AT(worker.match.ip_protocols)),
  row({.path = "telemetry.match.udp_dst_ports", .type = T::number_list, .default_text = "[]",
       .doc = "UDP destination ports that are telemetry", .unit = "ports", .min = 1, .max = 65535,
       .max_items = wire::kMaxMatchUdpPorts}, AT(worker.match.udp_dst_ports)),
  row({.path = "telemetry.match.dscp", .type = T::dscp, .default_text = "null",
       .doc = "DSCP of TCP and UDP packets that are telemetry, as value/mask"},
      AT(worker.match.dscp)),
  row({.path = "telemetry.p4netintel.collect_size", .type = T::choice, .default_text = "auto",
       .doc = "how much each P4NetIntel hop writes", .choices = "auto|0|1|2|3"},
      AT(worker.collect_size)),
  row({.path = "telemetry.p4netintel.compat", .type = T::choice, .default_text = "network",
       .doc = "byte order of the host's times in replies", .choices = "network|p4netintel"},
      AT(worker.host_byte_order)),
  row({.path = "telemetry.max_hops", .type = T::number, .default_text = "64",
       .doc = "hops kept of a packet", .unit = "hops", .min = 1, .max = 64}, AT(worker.max_hops)),

  row({.path = "timestamp.source", .type = T::choice, .default_text = "auto",
       .doc = "whose stamp says when a packet arrived",
       .choices = "auto|hardware|driver|software|switch"}, AT(time_source)),
  row({.path = "timestamp.record", .type = T::choice, .default_text = "switch",
       .doc = "which time a record is stored under", .choices = "switch|nic"},
      AT(exporter.record_time)),
  row({.path = "timestamp.residence", .type = T::boolean, .default_text = "false",
       .doc = "whether it is measured how long packets stay in this host"}, AT(residence)),
  row({.path = "timestamp.clock", .type = T::choice, .default_text = "tai",
       .doc = "the clock that published times are in", .choices = "tai|realtime|monotonic"},
      AT(clock)),

  row({.path = "role", .type = T::choice, .default_text = "collect",
       .doc = "what is done with a packet once its record is taken",
       .choices = "collect|reflect|forward|sink|transit|source|host"}, AT(worker.role)),
  row({.path = "other", .type = T::choice, .default_text = "auto",
       .doc = "what becomes of traffic that is not telemetry", .choices = "auto|kernel|forward|drop"},
      AT(other)),
  row({.path = "forward.to", .type = T::optional_interface, .default_text = "null",
       .doc = "the interface towards the host"}, AT(forward_to)),
  row({.path = "forward.rewrite.dst_mac", .type = T::mac, .default_text = "null",
       .doc = "destination address of frames towards the host"}, AT(worker.rewrite.destination)),
  row({.path = "forward.rewrite.src_mac", .type = T::mac, .default_text = "null",
       .doc = "source address of frames towards the host"}, AT(worker.rewrite.source)),
  row({.path = "forward.on_tx_full", .type = T::choice, .default_text = "drop",
       .doc = "what is done with frames that find the TX ring full", .choices = "drop|retry"},
      AT(worker.on_tx_full)),
  row({.path = "forward.retries", .type = T::number, .default_text = "3",
       .doc = "tries more before a frame is dropped after all", .unit = "tries", .min = 1,
       .max = 1000}, AT(worker.transmit_retries)),
  row({.path = "hop.switch_id", .type = T::number, .default_text = "1",
       .doc = "switch id of the hops that we add", .max = kMax32}, AT(worker.hop.switch_id)),
  row({.path = "hop.collect_size", .type = T::number, .default_text = "3",
       .doc = "layout of a hop on a packet that has none yet", .max = 3},
      AT(worker.hop.collect_size)),
  row({.path = "source.ip_protocols", .type = T::number_list, .default_text = "[17]",
       .doc = "IPv4 protocols that get telemetry", .unit = "IP protocols", .max = 255,
       .max_items = 256}, AT(worker.source.ip_protocols)),
  row({.path = "source.dst_ports", .type = T::number_list, .default_text = "[]",
       .doc = "destination ports that get telemetry; empty: all", .unit = "ports", .min = 1,
       .max = 65535, .max_items = 64}, AT(worker.source.dst_ports)),
  row({.path = "source.every", .type = T::number, .default_text = "1",
       .doc = "one such packet in so many gets telemetry", .unit = "packets", .min = 1,
       .max = kMax32}, AT(worker.source.every)),
  row({.path = "source.gap", .type = T::duration, .default_text = "0s",
       .doc = "least time between two packets that get telemetry", .max = kHour},
      AT(worker.source.gap)),
  row({.path = "host.requests", .type = T::number, .default_text = "8192",
       .doc = "requests remembered at a time", .unit = "requests", .min = 64, .max = 16777216},
      AT(worker.rpcs.entries)),
  row({.path = "host.max_age", .type = T::duration, .default_text = "10s",
       .doc = "a request without a reply is forgotten after this time", .min = kMs, .max = kHour},
      AT(worker.rpcs.max_age)),

  row({.path = "tap.interfaces", .type = T::interface_list, .default_text = "[]",
       .doc = "interfaces whose departing packets are timed", .max_items = kMaxInterfaces},
      AT(tap.interfaces)),
  row({.path = "tap.clear_mark", .type = T::boolean, .default_text = "false",
       .doc = "whether a packet's mark is set to 0 once it is recorded"}, AT(tap.clear_mark)),
  row({.path = "tap.ring_bytes", .type = T::size, .default_text = "1MiB",
       .doc = "memory for packets not yet read, of each CPU", .min = 4 * kKiB, .max = kGiB,
       .power_of_two = true}, AT(tap.ring_bytes)),

  row({.path = "export.redis.enabled", .type = T::boolean, .default_text = "true",
       .doc = "whether records go to Redis"}, AT(exporter.redis.enabled)),
  row({.path = "export.redis.url", .type = T::redis_url, .default_text = "redis://127.0.0.1:6379/0",
       .doc = "where the server listens"}, AT(exporter.redis.address)),
  row({.path = "export.redis.username", .type = T::text, .default_text = "\"\"",
       .doc = "who we are for the server", .max = 256}, AT(exporter.redis.username)),
  row({.path = "export.redis.password_file", .type = T::text, .default_text = "\"\"",
       .doc = "a file whose only line is our password", .max = kMaxPath},
      AT(exporter.redis.password_file)),
  row({.path = "export.redis.tls.ca", .type = T::text, .default_text = "\"\"",
       .doc = "who signs servers' certificates, as a PEM file", .max = kMaxPath},
      AT(exporter.redis.tls.ca)),
  row({.path = "export.redis.tls.cert", .type = T::text, .default_text = "\"\"",
       .doc = "our certificate, as a PEM file", .max = kMaxPath}, AT(exporter.redis.tls.cert)),
  row({.path = "export.redis.tls.key", .type = T::text, .default_text = "\"\"",
       .doc = "the key of our certificate, as a PEM file", .max = kMaxPath},
      AT(exporter.redis.tls.key)),
  row({.path = "export.redis.tls.verify", .type = T::boolean, .default_text = "true",
       .doc = "whether servers must prove who they are"}, AT(exporter.redis.tls.verify)),
  row({.path = "export.redis.tls.server_name", .type = T::text, .default_text = "\"\"",
       .doc = "the name that the server's certificate must have", .max = 253},
      AT(exporter.redis.tls.server_name)),
  row({.path = "export.redis.endpoints", .type = T::redis_url_list, .default_text = "[]",
       .doc = "more servers, over which records are spread by flow", .max_items = kMaxServers},
      AT(exporter.redis.endpoints)),
  row({.path = "export.redis.sentinel.master", .type = T::text, .default_text = "\"\"",
       .doc = "the master's name, for sentinels", .max = 256}, AT(exporter.redis.sentinel.master)),
  row({.path = "export.redis.sentinel.hosts", .type = T::sentinel_list, .default_text = "[]",
       .doc = "sentinels that know which server is the master", .max_items = kMaxServers},
      AT(exporter.redis.sentinel.hosts)),
  row({.path = "export.redis.cluster", .type = T::boolean, .default_text = "false",
       .doc = "whether the servers are nodes of a Redis Cluster"}, AT(exporter.redis.cluster)),
  row({.path = "export.redis.shards", .type = T::number, .default_text = "16",
       .doc = "keys that a cluster's records are spread over", .unit = "keys", .min = 1,
       .max = 256}, AT(exporter.redis.shards)),
  row({.path = "export.redis.format", .type = T::choice, .default_text = "valinor-zset",
       .doc = "in which form records stand in Redis", .choices = "valinor-zset|stream|both"},
      AT(exporter.redis.format)),
  row({.path = "export.redis.stream.max_records", .type = T::number, .default_text = "0",
       .doc = "how many records a stream keeps; 0 is all", .unit = "records",
       .max = 1'000'000'000'000}, AT(exporter.redis.stream_max_records)),
  row({.path = "export.redis.stream.database", .type = T::number, .default_text = "same",
       .doc = "database of the streams", .min = 1, .max = 2147483647, .choices = "same"},
      AT(exporter.redis.stream_database)),
  row({.path = "export.redis.score", .type = T::choice, .default_text = "epoch",
       .doc = "from where scores of the sorted set count", .choices = "epoch|run-relative"},
      AT(exporter.redis.score)),
  row({.path = "export.redis.metadata_db", .type = T::number, .default_text = "1",
       .doc = "database of the catalogue of runs", .min = 1, .max = 2147483647, .choices = "none"},
      AT(exporter.redis.metadata_db)),
  row({.path = "export.redis.require_noeviction", .type = T::boolean, .default_text = "true",
       .doc = "whether a server that may delete runs is refused"},
      AT(exporter.redis.require_noeviction)),
  row({.path = "export.redis.batch.records", .type = T::number, .default_text = "256",
       .doc = "records of one command", .unit = "records", .min = 1, .max = 65536},
      AT(exporter.redis.batch_records)),
  row({.path = "export.redis.batch.interval", .type = T::duration, .default_text = "20ms",
       .doc = "how long a record waits for others of its batch", .min = kMs, .max = 60 * kS,
       .step = kMs}, AT(exporter.batch_interval)),
  row({.path = "export.redis.batch.in_flight", .type = T::number, .default_text = "16",
       .doc = "batches sent and not yet answered", .unit = "batches", .min = 1, .max = 1024},
      AT(exporter.redis.in_flight)),
  row({.path = "export.redis.timeouts.connect", .type = T::duration, .default_text = "1s",
       .doc = "an attempt to connect ends after this time", .min = kMs, .max = 60 * kS,
       .step = kMs}, AT(exporter.redis.connect_timeout)),
  row({.path = "export.redis.timeouts.command", .type = T::duration, .default_text = "2s",
       .doc = "a server that does not answer for this time counts as lost", .min = kMs,
       .max = kHour, .step = kMs}, AT(exporter.redis.command_timeout)),
  row({.path = "export.redis.backoff.initial", .type = T::duration, .default_text = "100ms",
       .doc = "wait before the second attempt to connect; doubles", .min = kMs, .max = kHour,
       .step = kMs}, AT(exporter.redis.backoff_initial)),
  row({.path = "export.redis.backoff.max", .type = T::duration, .default_text = "5s",
       .doc = "longest wait between attempts to connect", .min = kMs, .max = kHour, .step = kMs},
      AT(exporter.redis.backoff_max)),
  row({.path = "export.file.enabled", .type = T::boolean, .default_text = "false",
       .doc = "whether records go to files, too"}, AT(exporter.file.enabled)),
  row({.path = "export.file.path", .type = T::text,
       .default_text = "\"/var/lib/valinor-afxdp/{run}/{start}.npy\"",
       .doc = "name of the file for numpy", .min = 1, .max = 4000}, AT(exporter.file.path)),
  row({.path = "export.buffer.memory", .type = T::size, .default_text = "256MiB",
       .doc = "bound of the records that are not yet acknowledged", .min = kMiB,
       .max = 1024 * kGiB}, AT(exporter.memory_bytes)),
  row({.path = "export.buffer.on_full", .type = T::choice, .default_text = "spill",
       .doc = "what becomes of records that exceed the memory", .choices = "spill|drop_newest|block"},
      AT(exporter.when_full)),
  row({.path = "export.buffer.spill.dir", .type = T::text,
       .default_text = "\"/var/lib/valinor-afxdp/spill\"",
       .doc = "folder where records wait on disk", .min = 1, .max = 4095}, AT(exporter.spill.folder)),
  row({.path = "export.buffer.spill.max", .type = T::size, .default_text = "20GiB",
       .doc = "bound of that, for each store", .min = 64 * kKiB, .max = 1024 * kGiB},
      AT(exporter.spill.max_bytes)),

  row({.path = "observe.log.level", .type = T::choice, .default_text = "info",
       .doc = "least severity that is logged", .choices = "debug|info|warning|error|off"},
      AT(observe.log_level)),
  row({.path = "observe.stats_interval", .type = T::duration, .default_text = "1s",
       .doc = "time between two lines of numbers", .min = 100 * kMs, .max = kHour},
      AT(observe.stats_interval)),
  row({.path = "observe.output", .type = T::choice, .default_text = "text",
       .doc = "form of what is printed on stdout", .choices = "text|json"}, AT(observe.output)),

  row({.path = "security.user", .type = T::text, .default_text = "\"auto\"",
       .doc = "who the program is after set-up", .max = 31}, AT(security.user)),
  row({.path = "security.keep_caps", .type = T::choice_list, .default_text = "[]",
       .doc = "capabilities that survive set-up", .max_items = 5,
       .choices = "net_raw|net_admin|bpf|perfmon|ipc_lock"}, AT(security.keep_caps)),
  row({.path = "security.reopen", .type = T::boolean, .default_text = "true",
       .doc = "whether CAP_NET_RAW stays, to open interfaces again that were removed"},
      AT(security.reopen)),
  row({.path = "security.seccomp", .type = T::boolean, .default_text = "true",
       .doc = "whether system calls are limited after set-up"}, AT(security.seccomp)),
};

#undef AT
// clang-format on

/// What follows "section." or "section" and an index in `path`; empty if path is not below it.
std::string_view below(std::string_view path, std::string_view section) {
  if (section.empty()) return path;
  if (!path.starts_with(section) || path.size() <= section.size()) return {};
  if (path[section.size()] != '.') return {};
  return path.substr(section.size() + 1);
}

}  // namespace

std::span<const SchemaKey> schema() { return kSchema; }

const SchemaKey* find_key(std::string_view path) {
  const auto found = std::find_if(kSchema.begin(), kSchema.end(),
                                  [path](const SchemaKey& key) { return key.path == path; });
  return found == kSchema.end() ? nullptr : &*found;
}

bool is_section(std::string_view path) {
  return std::any_of(kSchema.begin(), kSchema.end(),
                     [path](const SchemaKey& key) { return !below(key.path, path).empty(); });
}

bool is_list_of_maps(std::string_view path) { return is_section(std::string{path} + "[]"); }

std::vector<std::string_view> names_below(std::string_view section) {
  std::vector<std::string_view> names;
  for (const SchemaKey& key : kSchema) {
    const std::string_view rest = below(key.path, section);
    const std::string_view name = rest.substr(0, rest.find_first_of(".["));
    if (!name.empty() && std::find(names.begin(), names.end(), name) == names.end()) {
      names.push_back(name);
    }
  }
  return names;
}

std::string join_path(std::string_view section, std::string_view name) {
  return section.empty() ? std::string{name} : std::string{section}.append(".").append(name);
}

std::vector<std::string_view> split_choices(std::string_view choices) {
  std::vector<std::string_view> words;
  while (!choices.empty()) {
    const std::size_t end = std::min(choices.find('|'), choices.size());
    words.push_back(choices.substr(0, end));
    choices.remove_prefix(std::min(end + 1, choices.size()));
  }
  return words;
}

}  // namespace valinor::app
