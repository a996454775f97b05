/// What the exporter and its stores need to know of the configuration.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"

namespace valinor::exporter {

/// Where a Redis server listens.
struct RedisAddress {
  std::string host = "127.0.0.1";  // empty: UNIX socket
  std::uint16_t port = 6379;
  std::string socket_path;  // of the UNIX socket, if host is empty
  std::uint32_t database = 0;
  bool tls = false;
  std::string user{};  // empty: RedisConfig::username

  /// "redis://127.0.0.1:6379/0", "rediss://writer@10.0.0.9:6380/0" (TLS) or
  /// "unix:///run/redis.sock?db=0". Never contains a password.
  [[nodiscard]] std::string to_url() const;

  /// "127.0.0.1:6379" or "[::1]:6379"
  [[nodiscard]] std::string to_host_and_port() const;

  friend bool operator==(const RedisAddress&, const RedisAddress&) = default;
};

/// Reads "redis://user@host:port/db" (user, port and db may be left out, an IPv6 address stands in
/// brackets), the same with "rediss://" for TLS, or "unix:///path?db=N". A URL with a password is
/// refused. The error's `doing` is the whole message; it never repeats a password.
[[nodiscard]] Result<RedisAddress> parse_redis_url(std::string_view url);

/// Reads "host:port" of a sentinel; without a port it is 26379. Errors as parse_redis_url().
[[nodiscard]] Result<RedisAddress> parse_sentinel(std::string_view text);

/// Sentinels that know which server is the master now; the URL then gives user, database and TLS.
struct RedisSentinelConfig {
  std::string master;  // its name; empty: there are no sentinels
  std::vector<RedisAddress> hosts;
};

/// How a server of a "rediss://" URL proves who it is, and we do. Files are PEM.
struct RedisTlsConfig {
  std::string ca;           // who signs servers' certificates; empty: whom this system trusts
  std::string cert;         // ours, with its chain; empty: none
  std::string key;          // of cert, without a passphrase
  bool verify = true;       // false: whoever answers is taken for the server
  std::string server_name;  // the name that the certificate must have; empty: the URL's host

  friend bool operator==(const RedisTlsConfig&, const RedisTlsConfig&) = default;
};

/// The score of a sorted set's entry.
enum class Score : std::uint8_t {
  epoch,         // the record's time: beyond 2^53 ns rounded, for times since 1970 to 256 ns
  run_relative,  // the time since the set's first record: exact for 104 days around it
};

/// In which form records stand in Redis; redis_format.hpp. What is `both` has two stores, each with
/// one of the others: split_shards().
enum class RedisForm : std::uint8_t { valinor_zset, stream, both };

struct RedisConfig {
  bool enabled = true;
  RedisAddress address;
  std::string username;       // empty: the one of the URL, else the server's default user
  std::string password_file;  // empty: the environment, systemd's credentials, or none
  RedisTlsConfig tls;
  std::vector<RedisAddress> endpoints;  // more servers: shards, or further nodes of the cluster
  RedisSentinelConfig sentinel;
  bool cluster = false;       // address and endpoints are nodes of a Redis Cluster
  std::uint32_t shards = 16;  // keys that a cluster's records are spread over
  std::string key_suffix{};   // behind the run's key, ":{3}"; set by split_shards()
  RedisForm format = RedisForm::valinor_zset;
  std::uint64_t stream_max_records = 0;  // about so many are kept, in full blocks; 0: all
  std::uint32_t stream_database = 0;     // that streams are in; 0: the address's
  Score score = Score::epoch;
  std::uint32_t metadata_db = 1;      // where the catalogue of runs is; 0: none there
  bool require_noeviction = true;     // a server that may delete the run is refused
  std::uint32_t batch_records = 256;  // pairs in one ZADD, records in one block
  std::uint32_t in_flight = 16;       // batches sent and not answered
  std::chrono::milliseconds connect_timeout{1000};
  std::chrono::milliseconds command_timeout{
      2000};  // without an answer the connection counts as lost
  std::chrono::milliseconds backoff_initial{100};  // before the second attempt; doubles
  std::chrono::milliseconds backoff_max{5000};

  /// Whether sorted sets are there: of the address or of one of the endpoints.
  [[nodiscard]] bool has_records_in(std::uint32_t database) const noexcept;

  /// Where records go: "redis://10.0.0.1:6379/0 and 2 more, by flow", "the master 'mymaster' that 3
  /// sentinels name", "the cluster of redis://10.0.0.1:6379/0, in 16 keys"; with RedisForm::both
  /// also ", and into a stream".
  [[nodiscard]] std::string describe() const;
};

/// What becomes of records while memory_bytes are used up.
enum class WhenFull : std::uint8_t {
  spill,  // they go to the disk; what exceeds the room there is lost, and counted
  lose,   // they are lost, and counted
  wait,   // they stay in their rings: for producers that can wait for room there
};

/// What becomes of a run whose key holds records already.
enum class OnExisting : std::uint8_t {
  refuse,     // it does not start, unless records of that key wait on disk: then as append
  append,     // its records come on top
  overwrite,  // the key is emptied first
};

/// Where records go as files; FileStore.
struct FileConfig {
  bool enabled = false;
  std::string path = "/var/lib/valinor-afxdp/{run}/{start}.npy";
};

/// Where records wait on disk; spill_folder.hpp.
struct SpillConfig {
  std::string folder = "/var/lib/valinor-afxdp/spill";
  std::uint64_t max_bytes = std::uint64_t{20} << 30;  // of each store
};

/// Which time of a record the Valinor entry carries.
enum class RecordTime : std::uint8_t {
  network_switch,  // the switch's where the telemetry has one, as Valinor's collector does; else:
  arrival,         // when the packet arrived here
};

struct ExporterConfig {
  std::uint32_t key = 0;  // of the run, and what its records in Redis are named after
  OnExisting on_existing = OnExisting::refuse;  // for examine() to judge by; stores append
  RecordTime record_time = RecordTime::network_switch;
  RedisConfig redis;
  FileConfig file;
  std::size_t memory_bytes = std::size_t{256} << 20;  // records not yet acknowledged
  WhenFull when_full = WhenFull::spill;
  SpillConfig spill;
  std::chrono::milliseconds batch_interval{20};  // a record waits for others so long
};

}  // namespace valinor::exporter
