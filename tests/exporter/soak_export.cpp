// Does the exporter lose a record, or grow, while Redis is killed again and again?
//
//   soak_export [RECORDS [KILLS [RATE [SEED]]]]
//
// One exporter, with a ring, 16 MiB of memory and room on disk, gets RECORDS numbered records, RATE
// of them a second whether Redis lives or not. At KILLS random moments redis-server gets SIGKILL,
// and is started again up to three seconds later. It keeps what it has acknowledged: appendfsync no
// leaves that to the kernel before it answers, which is enough while the machine lives.
//
// 100 million members of a sorted set would take 18 GB, so they come in slices. Once the exporter
// has the acknowledgement for all of a slice, nothing of it can be sent again: it is read back,
// compared record by record with what was fed, and deleted.
//
// Exit status 0: every record was stored once, the ring was never full (a worker would have lost
// records), and the process never held more memory than configured.
#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <random>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "base/log.hpp"
#include "base/numbers.hpp"
#include "exporter/exporter.hpp"
#include "exporter/make_store.hpp"
#include "exporter/valinor_entry.hpp"
#include "flow_samples.hpp"
#include "support/redis_server.hpp"

namespace valinor::exporter {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using std::chrono::steady_clock;
using valinor::test::RedisServer;

/// 370 MB in Redis, and two seconds for it to load them again.
constexpr std::uint64_t kSlice = 2'000'000;
/// Of a slice that is read back, in one answer.
constexpr std::uint64_t kPage = 20'000;
constexpr std::size_t kMemory = 16 * kMiB;
/// The size that a worker's has.
constexpr std::size_t kRing = 16 * kMiB;
/// What is not configured: commands on their way, a page that is read back, the allocator's
/// rounding.
constexpr std::uint64_t kBesides = 16 * kMiB;
constexpr milliseconds kLongestOutage{3000};
/// Without an answer for so long, although Redis lives, the exporter hangs.
constexpr seconds kPatience{60};

struct Orders {
  std::uint64_t records = 100'000'000;
  std::uint64_t kills = 20;
  std::uint64_t rate = 400'000;  // records a second
  std::uint64_t seed = std::random_device{}();
};

/// Of /proc/self/status: "VmRSS" now, "VmHWM" at most so far.
std::uint64_t resident_bytes(const std::string& field) {
  std::ifstream status{"/proc/self/status"};
  for (std::string line; std::getline(status, line);) {
    if (line.starts_with(field + ":")) return std::stoull(line.substr(field.size() + 1)) * kKiB;
  }
  throw std::runtime_error{"no " + field + " in /proc/self/status"};
}

telemetry::PacketRecord record_of(std::uint64_t number) {
  return test::record_of_flow(static_cast<std::uint16_t>(number % 1000), number);
}

/// As it stands in Redis.
std::string member_of(std::uint64_t number) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string hex;
  for (const std::byte byte : to_row(to_entry(record_of(number), {}))) {
    hex += kDigits[std::to_integer<std::size_t>(byte >> 4)];
    hex += kDigits[std::to_integer<std::size_t>(byte & std::byte{15})];
  }
  return hex;
}

/// Puts records into a ring at a steady rate; answers how often it was full.
std::uint64_t feed(telemetry::RecordRing& ring, std::uint64_t first, std::uint64_t count,
                   std::uint64_t rate) {
  constexpr std::uint64_t kBurst = 256;
  const auto begin = steady_clock::now();
  std::uint64_t times_full = 0;
  for (std::uint64_t done = 0; done < count;) {
    const std::chrono::duration<double> elapsed = steady_clock::now() - begin;
    const auto earned = static_cast<std::uint64_t>(elapsed.count() * static_cast<double>(rate));
    const std::uint64_t due = std::min({kBurst, count - done, std::max(earned, done) - done});
    std::uint64_t fed = 0;
    for (; fed < due; ++fed) {
      const telemetry::RecordSlot slot = ring.reserve(0);
      if (slot.packet == nullptr) break;
      *slot.packet = record_of(first + done + fed);
      ring.commit(slot);
    }
    ring.publish();
    if (fed < due) ++times_full;
    if (fed == 0) std::this_thread::sleep_for(std::chrono::microseconds{200});
    done += fed;
  }
  return times_full;
}

class TemporaryFolder {
 public:
  TemporaryFolder() {
    std::string pattern = (std::filesystem::temp_directory_path() / "soak-XXXXXX").string();
    if (::mkdtemp(pattern.data()) == nullptr) throw std::runtime_error{"mkdtemp " + pattern};
    path_ = pattern;
  }
  ~TemporaryFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;

  [[nodiscard]] const std::filesystem::path& path() const noexcept { return path_; }

 private:
  std::filesystem::path path_;
};

class Soak {
 public:
  explicit Soak(const Orders& orders)
      : orders_{orders}, random_{orders.seed}, before_{resident_bytes("VmRSS")} {
    server_.start();
    std::uniform_int_distribution<std::uint64_t> any{1, orders.records};
    for (std::uint64_t i = 0; i < orders.kills; ++i) kills_.push_back(any(random_));
    std::ranges::sort(kills_);
    Sinks sinks = make_sinks(config());
    if (!sinks.no_spill.empty()) throw std::runtime_error{sinks.no_spill};
    exporter_ =
        std::make_unique<Exporter>(config(), std::move(sinks.parts), Exporter::Rings{ring_});
  }

  void run() {
    for (std::uint64_t done = 0; done < orders_.records; done += kSlice) {
      run_slice(done + 1, std::min(kSlice, orders_.records - done));
    }
    exporter_->stop(test::soon());
  }

  /// Whether all is as it should be.
  [[nodiscard]] bool report(double elapsed) const {
    const ExporterStats& stats = exporter_->stats();
    const std::uint64_t bound = before_ + 2 * ring_.capacity() + kMemory + kBesides;
    const std::uint64_t most = resident_bytes("VmHWM");
    fmt::print(
        "{} records in {:.0f} s = {} a second; Redis killed {} times, away for {:.0f} s\n"
        "stored {}, collapsed {}, lost {}, pending {}; unsure {}; on disk at most {}; ring full {} "
        "times\n"
        "resident at most {} MiB; bound {} MiB: {} at the start, the ring twice mapped, {} of "
        "records, {} besides\n",
        with_commas(orders_.records), elapsed,
        with_commas(static_cast<std::uint64_t>(static_cast<double>(orders_.records) / elapsed)),
        orders_.kills, away_, with_commas(stats.stored.value()),
        with_commas(stats.collapsed.value()), with_commas(stats.all_lost()),
        with_commas(stats.pending.load()), with_commas(stats.unsure.value()),
        with_commas(most_on_disk_), times_full_, most / kMiB, bound / kMiB, before_ / kMiB,
        kMemory / kMiB, kBesides / kMiB);
    return stats.stored.value() == orders_.records && stats.received.value() == orders_.records &&
           stats.balanced() && times_full_ == 0 && most <= bound;
  }

 private:
  [[nodiscard]] ExporterConfig config() const {
    ExporterConfig config;
    config.redis.address = server_.address();
    config.redis.backoff_max = milliseconds{500};
    config.memory_bytes = kMemory;
    config.spill.folder = folder_.path().string();
    return config;
  }

  void run_slice(std::uint64_t first, std::uint64_t count) {
    const std::uint64_t end = first + count;
    std::jthread feeder{[&] { times_full_ += feed(ring_, first, count, orders_.rate); }};
    for (; !kills_.empty() && kills_.front() < end; kills_.erase(kills_.begin())) {
      wait_until_answered(kills_.front() - 1);
      kill_server();
    }
    feeder.join();
    wait_until_answered(end - 1);
    compare(first, count);
    server_.command({"DEL", "0"});
    server_.command({"BGREWRITEAOF"});
    fmt::print("{} records stored and read back\n", with_commas(end - 1));
    std::fflush(stdout);
  }

  void kill_server() {
    const auto begin = steady_clock::now();
    server_.crash();
    std::this_thread::sleep_for(milliseconds{
        std::uniform_int_distribution<milliseconds::rep>{0, kLongestOutage.count()}(random_)});
    server_.start();
    away_ += std::chrono::duration<double>(steady_clock::now() - begin).count();
  }

  void wait_until_answered(std::uint64_t goal) {
    const ExporterStats& stats = exporter_->stats();
    std::uint64_t answered = stats.answered();
    auto last_answer = steady_clock::now();
    while (stats.answered() < goal) {
      std::this_thread::sleep_for(milliseconds{1});
      most_on_disk_ = std::max(most_on_disk_, stats.on_disk.load());
      if (stats.answered() != answered || goal > stats.received.value()) {
        answered = stats.answered();
        last_answer = steady_clock::now();
      } else if (steady_clock::now() - last_answer > kPatience) {
        throw std::runtime_error{"no record was stored for a minute"};
      }
    }
  }

  void compare(std::uint64_t first, std::uint64_t count) const {
    if (server_.command({"ZCARD", "0"})[0] != std::to_string(count)) {
      throw std::runtime_error{"Redis holds " + server_.command({"ZCARD", "0"})[0] +
                               " records of " + std::to_string(count)};
    }
    for (std::uint64_t from = 0; from < count; from += kPage) {
      const auto page =
          server_.command({"ZRANGE", "0", std::to_string(from), std::to_string(from + kPage - 1)});
      for (std::size_t i = 0; i < page.size(); ++i) {
        if (page[i] == member_of(first + from + i)) continue;
        throw std::runtime_error{"record " + std::to_string(first + from + i) + " is missing"};
      }
    }
  }

  const Orders orders_;
  std::mt19937_64 random_;
  const std::uint64_t before_;  // resident
  TemporaryFolder folder_;
  RedisServer server_{
      RedisServer::Listen::unix_socket,
      {"--appendonly", "yes", "--appendfsync", "no", "--auto-aof-rewrite-percentage", "0"}};
  std::vector<std::uint64_t> kills_;  // after so many answers
  telemetry::RecordRing ring_{kRing};
  std::unique_ptr<Exporter> exporter_;
  std::uint64_t times_full_ = 0;
  std::uint64_t most_on_disk_ = 0;
  double away_ = 0;  // seconds
};

int soak(const Orders& orders) {
  fmt::print("{} records, {} a second, {} kills, seed {}\n", with_commas(orders.records),
             with_commas(orders.rate), orders.kills, orders.seed);
  std::fflush(stdout);
  log::set_level(log::Level::error);
  const auto begin = steady_clock::now();
  Soak soak{orders};
  soak.run();
  return soak.report(std::chrono::duration<double>(steady_clock::now() - begin).count())
             ? EXIT_SUCCESS
             : EXIT_FAILURE;
}

}  // namespace
}  // namespace valinor::exporter

int main(int count, char** words) {
  using valinor::exporter::Orders;
  try {
    Orders orders;
    std::uint64_t* const fields[] = {&orders.records, &orders.kills, &orders.rate, &orders.seed};
    for (int i = 1; i < count && i <= 4; ++i) *fields[i - 1] = std::stoull(words[i]);
    return valinor::exporter::soak(orders);
  } catch (const std::exception& error) {
    fmt::print(stderr, "soak_export: {}\n", error.what());
    return EXIT_FAILURE;
  }
}
