#include "app/config_check.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <initializer_list>
#include <map>
#include <string>

#include "app/config_steering.hpp"
#include "app/config_units.hpp"

namespace valinor::app {
namespace {

class Check {
 public:
  Check(const Config& config, const Origins& origins, const Source& whole, Problems& problems)
      : config_{config}, origins_{origins}, whole_{whole}, problems_{problems} {}

  void version() {
    if (origins_.contains("version")) return;
    missing("version", "the file must say which form it has", "version: 1");
  }

  void interfaces(bool required) {
    const auto list = origins_.find("interfaces");
    if (list != origins_.end() && !list->second.good) return;
    if (config_.interfaces.empty() && required) {
      if (list != origins_.end()) {
        problems_.add("CFG-KEY-01", *list->second.source, list->second.place,
                      "interfaces is empty; at least one NIC is needed, or tap.interfaces");
      } else {
        missing("interfaces", "at least one NIC is needed, or tap.interfaces",
                "interfaces: [{name: eth0}]");
      }
    }
    std::map<std::string, std::size_t> seen;
    for (std::size_t i = 0; i < config_.interfaces.size(); ++i) {
      name(i, seen);
      frames(i);
      offload(i);
      queues_exist(i);
      steered_telemetry(i);
    }
  }

  void something_to_match() {
    const wire::MatchRules& match = config_.worker.match;
    const bool nothing = match.ethertypes.empty() && match.ip_protocols.empty() &&
                         match.udp_dst_ports.empty() && !match.dscp;
    if (!nothing) return;
    at({"telemetry.match.ethertypes", "telemetry.match.ip_protocols",
        "telemetry.match.udp_dst_ports", "telemetry.match.dscp"},
       "CFG-MATCH-01", "telemetry.match matches nothing, so no packet would ever be taken",
       "give at least one ethertype, IP protocol, UDP port or DSCP");
  }

  /// A two-sided role passes packets on between exactly two interfaces.
  void two_sides(bool interfaces_required) {
    const bool two_sided = pipeline::is_two_sided(config_.worker.role);
    const std::string role{pipeline::to_name(config_.worker.role)};
    if (!two_sided) {
      if (config_.other == packet_io::afxdp::OtherTraffic::forward) {
        at({"other"}, "CFG-ROLE-04",
           fmt::format("other: forward, but role {} passes nothing on: the traffic would vanish",
                       role),
           "other: kernel    or a role between two interfaces");
      }
      if (config_.forward_to.empty()) return;
      return at({"forward.to"}, "CFG-ROLE-01",
                fmt::format("forward.to is given, but role {} sends nothing there", role),
                "role: forward, sink, transit, source or host    or leave forward.to out");
    }
    if (!interfaces_required) return;  // a capture has one side
    if (config_.forward_to.empty()) {
      return at({"role"}, "CFG-ROLE-02",
                fmt::format("role {} needs forward.to, the interface of the other side", role),
                "forward: {to: veth0}");
    }
    const auto others =
        std::count_if(config_.interfaces.begin(), config_.interfaces.end(),
                      [&](const auto& interface) { return interface.name != config_.forward_to; });
    if (others == 1) return;
    at({"forward.to", "interfaces"}, "CFG-ROLE-03",
       fmt::format("role {} works between forward.to and one other interface; {} others are listed",
                   role, others),
       "run one program for each pair of interfaces");
  }

  /// Without a stamp of the host's there would be nothing to store where the host's is asked for.
  void times() {
    if (config_.time_source != TimeSource::network_switch ||
        config_.exporter.record_time != exporter::RecordTime::arrival) {
      return;
    }
    at({"timestamp.record", "timestamp.source"}, "CFG-TIME-01",
       "timestamp.source: switch, but timestamp.record: nic stores the time at which packets "
       "arrived "
       "here",
       "timestamp.record: switch    or another timestamp.source");
  }

  void backoff() {
    const exporter::RedisConfig& redis = config_.exporter.redis;
    if (redis.backoff_initial <= redis.backoff_max) return;
    const auto text = [](std::chrono::nanoseconds time) {
      return format_duration(static_cast<std::uint64_t>(time.count()));
    };
    at({"export.redis.backoff.initial", "export.redis.backoff.max"}, "CFG-REDIS-01",
       fmt::format("export.redis.backoff.initial ({}) is longer than export.redis.backoff.max ({})",
                   text(redis.backoff_initial), text(redis.backoff_max)));
  }

  void nothing_blocks() {
    if (config_.exporter.when_full != exporter::WhenFull::wait) return;
    at({"export.buffer.on_full"}, "CFG-BUFFER-01",
       "export.buffer.on_full: block is for a replay; packets that come from an interface cannot "
       "wait",
       "on_full: spill    or drop_newest; a replay waits whatever stands there");
  }

  void redis_tls() {
    const exporter::RedisTlsConfig& tls = config_.exporter.redis.tls;
    if (tls.cert.empty() != tls.key.empty()) {
      at({"export.redis.tls.cert", "export.redis.tls.key"}, "CFG-REDIS-02",
         "export.redis.tls.cert and export.redis.tls.key only make sense together",
         "cert: /path/client.crt, key: /path/client.key");
    }
    if (config_.exporter.redis.address.tls || tls == exporter::RedisTlsConfig{}) return;
    at({"export.redis.tls.ca", "export.redis.tls.cert", "export.redis.tls.key",
        "export.redis.tls.verify", "export.redis.tls.server_name", "export.redis.url"},
       "CFG-REDIS-02", "export.redis.tls is given, but export.redis.url asks for no TLS",
       "url: rediss://host:port/db    or leave tls out");
  }

  /// One server, several, a master that sentinels name, or a cluster.
  void redis_servers() {
    const exporter::RedisConfig& redis = config_.exporter.redis;
    const bool sentinels = !redis.sentinel.master.empty() || !redis.sentinel.hosts.empty();
    if (redis.sentinel.master.empty() != redis.sentinel.hosts.empty()) {
      at({"export.redis.sentinel.master", "export.redis.sentinel.hosts"}, "CFG-REDIS-02",
         "export.redis.sentinel needs both master and hosts",
         "sentinel: {master: mymaster, hosts: [\"10.0.0.1:26379\"]}");
    }
    if (sentinels && (redis.cluster || !redis.endpoints.empty())) {
      at({"export.redis.sentinel.master", "export.redis.sentinel.hosts"}, "CFG-REDIS-02",
         "export.redis.sentinel names one master; it goes with neither cluster nor endpoints",
         "leave one of them out");
    }
    if (sentinels && redis.address.host.empty()) {
      at({"export.redis.sentinel.master", "export.redis.url"}, "CFG-REDIS-02",
         "sentinels tell hosts and ports, but export.redis.url is a UNIX socket",
         "url: redis://any/0    for its database, user and TLS");
    }
    catalogue();
    if (redis.cluster && redis.address.database != 0) {
      at({"export.redis.cluster", "export.redis.url"}, "CFG-REDIS-02",
         "a Redis Cluster has database 0 only", "url: redis://host:port/0");
    }
    if (redis.cluster && redis.stream_database != 0) {
      at({"export.redis.cluster", "export.redis.stream.database"}, "CFG-REDIS-02",
         "a Redis Cluster has database 0 only", "stream: {database: same}");
    }
    endpoints();
  }

  void redis_user() {
    const exporter::RedisConfig& redis = config_.exporter.redis;
    if (redis.address.user.empty() || redis.username.empty()) return;
    if (redis.address.user == redis.username) return;
    at({"export.redis.username", "export.redis.url"}, "CFG-REDIS-02",
       "export.redis.username and the user in export.redis.url are not the same",
       "leave one of them out");
  }

 private:
  void missing(std::string_view key, std::string_view why, std::string_view example) {
    problems_.add("CFG-KEY-01", whole_, {}, fmt::format("'{}' is missing: {}", key, why), {},
                  fmt::format("add the line  {}", example));
  }

  void catalogue() {
    const exporter::RedisConfig& redis = config_.exporter.redis;
    if (redis.metadata_db == 0 || !redis.has_records_in(redis.metadata_db)) return;
    at({"export.redis.metadata_db", "export.redis.url", "export.redis.endpoints"}, "CFG-REDIS-02",
       "export.redis.metadata_db is a database of records, where the notebooks would take the "
       "catalogue for a run",
       "metadata_db: another number    or none");
  }

  void endpoints() {
    const exporter::RedisConfig& redis = config_.exporter.redis;
    if (redis.endpoints.empty()) return;
    const std::string key = "export.redis.endpoints";
    if (!origins_.contains("export.redis.url")) {
      return at(
          {key}, "CFG-REDIS-02",
          "export.redis.endpoints are more servers besides that of export.redis.url, which is "
          "not given",
          "url: the first server, endpoints: the others");
    }
    for (const exporter::RedisAddress& endpoint : redis.endpoints) {
      if (endpoint == redis.address) {
        at({key}, "CFG-REDIS-02", "export.redis.endpoints has the server of export.redis.url again",
           "list each server once");
      }
      if (endpoint.tls != redis.address.tls || endpoint.user != redis.address.user) {
        at({key}, "CFG-REDIS-02",
           "one password and one set of certificates serve all of export.redis.endpoints, but user "
           "or TLS of " +
               in_quotes(endpoint.to_url()) + " are not those of export.redis.url",
           "the same user, and all of them rediss:// or none");
      }
    }
  }

  /// The filter on the NIC takes other traffic away from this host: the file must say so too.
  void offload(std::size_t i) {
    using packet_io::afxdp::Mode;
    using packet_io::afxdp::OtherTraffic;
    const auto& interface = config_.interfaces[i];
    const std::string mode = fmt::format("interfaces[{}].mode", i);
    const std::string sample = fmt::format("interfaces[{}].offload_sample", i);
    if (interface.offload_sample == 1) {
      return at({sample}, "CFG-OFFLOAD-01",
                "a filter that lets every frame through filters nothing",
                "offload_sample: 0    or 2 and more");
    }
    if (interface.mode != Mode::offload) {
      if (interface.offload_sample == 0) return;
      return at({sample}, "CFG-OFFLOAD-01",
                "offload_sample is given, but there is no filter to do it",
                "mode: offload    or leave offload_sample out");
    }
    const bool two_sided = pipeline::is_two_sided(config_.worker.role);
    const auto other =
        config_.other.value_or(two_sided ? OtherTraffic::forward : OtherTraffic::kernel);
    if (other == OtherTraffic::drop && interface.offload_sample == 0) return;
    if (other == OtherTraffic::kernel && interface.offload_sample != 0) return;
    at({"other", mode}, "CFG-OFFLOAD-01",
       "mode: offload drops other traffic on the NIC, and the rest of the configuration wants it",
       "other: drop    or, to let some through:  other: kernel  with  offload_sample: 1000");
  }

  /// With a number of channels given, the queues that other keys name are among them.
  void queues_exist(std::size_t i) {
    const auto& interface = config_.interfaces[i];
    const std::uint32_t channels = interface.settings.channels;
    if (channels == 0) return;
    const std::string entry = fmt::format("interfaces[{}]", i);
    const auto complain = [&](const std::string& key, QueueId queue) {
      at({entry + key, entry + ".channels"}, "CFG-CHANNEL-01",
         fmt::format("{}{} names queue {}, but {}.channels is {}: queues 0 to {}", entry, key,
                     queue.value(), entry, channels, channels - 1),
         fmt::format("channels: {}    or other queues", queue.value() + 1));
    };
    for (const QueueId queue : interface.queues) {
      if (queue.value() >= channels) return complain(".queues", queue);
    }
    for (const nic::SteeringConfig& rule : interface.settings.steer) {
      if (rule.queue.value() >= channels) return complain(".steer", rule.queue);
    }
  }

  /// Telemetry that the NIC is to put where nobody reads it.
  void steered_telemetry(std::size_t i) {
    const auto& interface = config_.interfaces[i];
    const auto& read = interface.queues;
    if (read.empty()) return;
    const std::string entry = fmt::format("interfaces[{}]", i);
    for (const nic::SteeringConfig& rule : interface.settings.steer) {
      const bool is_read = std::find(read.begin(), read.end(), rule.queue) != read.end();
      if (is_read || !is_telemetry(rule)) continue;
      return at({entry + ".steer", entry + ".queues"}, "CFG-STEER-02",
                fmt::format("{}.steer puts telemetry ({}) on queue {}, which {}.queues does not "
                            "list: it would not be recorded",
                            entry, match_text(rule), rule.queue.value(), entry),
                "a queue that is listed in queues");
    }
  }

  /// Whether all that the rule is about is telemetry.
  [[nodiscard]] bool is_telemetry(const nic::SteeringConfig& rule) const {
    const wire::MatchRules& match = config_.worker.match;
    const auto lists = [&](const auto& numbers) {
      return std::find(numbers.begin(), numbers.end(), rule.number) != numbers.end();
    };
    switch (rule.by) {
      case nic::SteeredBy::ethertype: return lists(match.ethertypes);
      case nic::SteeredBy::ip_protocol: return lists(match.ip_protocols);
      case nic::SteeredBy::udp_port:
      case nic::SteeredBy::udp4_port:
      case nic::SteeredBy::udp6_port: return lists(match.udp_dst_ports);
      default: return false;
    }
  }

  void name(std::size_t i, std::map<std::string, std::size_t>& seen) {
    const std::string& name = config_.interfaces[i].name;
    const std::string entry = fmt::format("interfaces[{}]", i);
    const auto given = origins_.find(entry + ".name");
    if (given == origins_.end()) {
      const Origin& origin = origins_.at(entry);
      problems_.add("CFG-KEY-01", *origin.source, origin.place, "'name' is missing in " + entry);
      return;
    }
    if (!given->second.good) return;
    const auto [first, is_new] = seen.emplace(name, i);
    if (is_new) return;
    const std::string first_name = fmt::format("interfaces[{}].name", first->second);
    const Origin& before = origins_.find(first_name)->second;
    problems_.add("CFG-IFACE-01", *given->second.source, given->second.place,
                  fmt::format("{} is {} again", entry, in_quotes(name)),
                  fmt::format("first given at {}", before.source->to_text(before.place)));
  }

  /// A frame is in one place at a time, so the rings can only be full together if there are frames
  /// for all of them. Completions need none of their own: these frames came from TX.
  void frames(std::size_t i) {
    const auto& interface = config_.interfaces[i];
    const std::uint64_t needed =
        std::uint64_t{interface.rings.rx} + interface.rings.fill + interface.rings.tx;
    if (interface.umem.frames >= needed) return;
    const std::string entry = fmt::format("interfaces[{}]", i);
    at({entry + ".umem.frames", entry + ".rings.rx", entry + ".rings.fill", entry + ".rings.tx"},
       "CFG-UMEM-01",
       fmt::format(
           "{}.umem.frames is {}, but the rings hold {} (rx {} + fill {} + tx {}) and would "
           "run dry",
           entry, interface.umem.frames, needed, interface.rings.rx, interface.rings.fill,
           interface.rings.tx),
       fmt::format("umem: {{frames: {}}}, or smaller rings", needed));
  }

  /// Tells a contradiction between keys at the first of them that was given; nothing if one of
  /// them is wrong by itself, since its value is not what Config holds.
  void at(std::initializer_list<std::string> paths, std::string_view code, std::string message,
          std::string next = {}) {
    const Origin* first = nullptr;
    for (const std::string& path : paths) {
      const auto origin = origins_.find(path);
      if (origin == origins_.end()) continue;
      if (!origin->second.good) return;
      if (first == nullptr) first = &origin->second;
    }
    if (first == nullptr) return;  // defaults agree with each other
    problems_.add(code, *first->source, first->place, std::move(message), {}, std::move(next));
  }

  const Config& config_;
  const Origins& origins_;
  const Source& whole_;
  Problems& problems_;
};

}  // namespace

void check_config(const Config& config, const Origins& origins, const Source& whole,
                  bool interfaces_required, Problems& problems) {
  Check check{config, origins, whole, problems};
  check.version();
  // A wrong tap.interfaces is told already; it is no reason to ask for `interfaces` too.
  const bool taps = !config.tap.interfaces.empty() || origins.contains("tap.interfaces");
  check.interfaces(interfaces_required && !taps);
  check.something_to_match();
  check.two_sides(interfaces_required);
  check.times();
  check.backoff();
  if (interfaces_required || taps) check.nothing_blocks();
  check.redis_user();
  check.redis_servers();
  check.redis_tls();
}

}  // namespace valinor::app
