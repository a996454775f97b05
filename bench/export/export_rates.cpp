// How fast do records get into Redis, and what does it cost the client?
//
//   build/bench/export/export_rates [RECORDS [ROUNDS]]       default: 1000000 7
//
// One redis-server of its own, on a UNIX socket in a temporary folder, which ours take, and a port
// of the loopback, which valinor-c takes. In each round every way stores the same records into an
// empty server; the order rotates. What is stored is counted before a round is believed. Ratios are
// to the first way, which does what Valinor's DPDK collector does. VALINOR_BINARY names the
// program, if it is not build/src/app/valinor-afxdp.

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <filesystem>
#include <stdexcept>
#include <vector>

#include "base/log.hpp"
#include "base/numbers.hpp"
#include "exporter/record_target.hpp"
#include "support/redis_server.hpp"
#include "way.hpp"

namespace valinor::bench {
namespace {

using test::RedisServer;

const std::array<Way, 6> kWays{{
    {"valinor-c, 32 pairs", [](const Work& work) { return store_as_valinor_c(work, 32, true); }},
    {"valinor-c, 64 pairs", [](const Work& work) { return store_as_valinor_c(work, 64, true); }},
    {"same by UNIX socket", [](const Work& work) { return store_as_valinor_c(work, 64, false); }},
    {"valinor-zset", store_zset},
    {"stream", store_stream, true},
    {"export --to zset", export_to_zset},
}};

struct Sample {
  double records_a_second, client_ns, server_ns;
};

/// Seconds of CPU that the server has used.
double server_cpu(const RedisServer& server) {
  const std::string info = server.command({"INFO", "cpu"}).front();
  double sum = 0;
  for (const char* name : {"used_cpu_sys:", "used_cpu_user:"}) {
    sum += std::stod(info.substr(info.find(name) + std::string{name}.size()));
  }
  return sum;
}

/// Throws unless the server holds all of them.
void require_stored(const RedisServer& server, const Way& way, std::size_t records) {
  const std::size_t block = exporter::RedisConfig{}.batch_records;
  const std::size_t expected = way.is_stream ? (records + block - 1) / block : records;
  const std::string found = way.is_stream ? server.command({"XLEN", "0:stream"}).front()
                                          : server.command({"ZCARD", "0"}).front();
  if (found != std::to_string(expected)) {
    throw std::runtime_error{
        fmt::format("{}: {} in Redis instead of {}", way.name, found, expected)};
  }
}

Sample run_way(const RedisServer& server, const Way& way, const Work& work) {
  server.command({"FLUSHALL"});
  const double before = server_cpu(server);
  const Cost cost = way.store(work);
  const double used = server_cpu(server) - before;
  require_stored(server, way, work.records);
  const auto records = static_cast<double>(work.records);
  return {.records_a_second = records / std::chrono::duration<double>(cost.time).count(),
          .client_ns = static_cast<double>(cost.cpu.count()) / records,
          .server_ns = 1e9 * used / records};
}

struct Spread {
  double median, least, most;
};

Spread spread(const std::vector<Sample>& samples, double Sample::*field) {
  std::vector<double> values;
  for (const Sample& sample : samples) values.push_back(sample.*field);
  std::ranges::sort(values);
  return {values[values.size() / 2], values.front(), values.back()};
}

void print_results(const std::array<std::vector<Sample>, kWays.size()>& samples) {
  fmt::print("{:<22} {:>10} {:>22} {:>7} {:>10} {:>18} {:>7} {:>10}\n", "way", "krec/s", "min..max",
             "ratio", "client ns", "min..max", "1/ratio", "server ns");
  const Spread rate_0 = spread(samples[0], &Sample::records_a_second);
  const Spread client_0 = spread(samples[0], &Sample::client_ns);
  for (std::size_t i = 0; i < kWays.size(); ++i) {
    const Spread rate = spread(samples[i], &Sample::records_a_second);
    const Spread client = spread(samples[i], &Sample::client_ns);
    fmt::print("{:<22} {:>10.0f} {:>22} {:>7.2f} {:>10.1f} {:>18} {:>7.2f} {:>10.1f}\n",
               kWays[i].name, rate.median / 1e3,
               fmt::format("{:.0f}..{:.0f}", rate.least / 1e3, rate.most / 1e3),
               rate.median / rate_0.median, client.median,
               fmt::format("{:.1f}..{:.1f}", client.least, client.most),
               client_0.median / client.median, spread(samples[i], &Sample::server_ns).median);
  }
}

void write_npy(const Work& work) {
  const auto file = exporter::open_file_target(work.npy_file, exporter::FileForm::npy, true, 0,
                                               exporter::RecordTime::network_switch);
  for (std::size_t n = 0; n < work.records; ++n) file->write({make_record(n), {}});
  if (file->finish().written != work.records) throw std::runtime_error{"the .npy is incomplete"};
}

void run(std::size_t records, std::size_t rounds) {
  const std::uint16_t port = test::find_free_port();
  RedisServer server{RedisServer::Listen::unix_socket, {"--port", std::to_string(port)}};
  server.start();
  const char* binary = std::getenv("VALINOR_BINARY");
  const std::filesystem::path folder =
      std::filesystem::path{server.address().socket_path}.parent_path();
  const Work work{.server = server.address(),
                  .port = port,
                  .records = records,
                  .program = binary != nullptr ? binary : "build/src/app/valinor-afxdp",
                  .npy_file = (folder / "records.npy").string()};
  write_npy(work);
  fmt::print("{} records a round, {} rounds; redis {}\n", with_commas(records), rounds,
             server.address().to_url());
  std::array<std::vector<Sample>, kWays.size()> samples;
  for (std::size_t round = 0; round < rounds; ++round) {
    for (std::size_t n = 0; n < kWays.size(); ++n) {
      const std::size_t way = (round + n) % kWays.size();
      samples[way].push_back(run_way(server, kWays[way], work));
    }
  }
  print_results(samples);
}

}  // namespace
}  // namespace valinor::bench

int main(int argc, char** argv) {
  try {
    valinor::log::set_level(valinor::log::Level::error);
    valinor::bench::run(argc > 1 ? std::stoul(argv[1]) : 1'000'000,
                        argc > 2 ? std::stoul(argv[2]) : 7);
    return 0;
  } catch (const std::exception& error) {
    fmt::print(stderr, "export_rates: {}\n", error.what());
    return 1;
  }
}
