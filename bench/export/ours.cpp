#include <fcntl.h>
#include <spawn.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <array>
#include <stdexcept>
#include <thread>

#include "base/numbers.hpp"
#include "exporter/exporter.hpp"
#include "exporter/make_store.hpp"
#include "way.hpp"

namespace valinor::bench {
namespace {

using std::chrono::steady_clock;

std::chrono::nanoseconds cpu_of(clockid_t clock) {
  timespec now{};
  ::clock_gettime(clock, &now);
  return std::chrono::seconds{now.tv_sec} + std::chrono::nanoseconds{now.tv_nsec};
}

/// Of all threads but this one.
std::chrono::nanoseconds others_cpu() {
  return cpu_of(CLOCK_PROCESS_CPUTIME_ID) - cpu_of(CLOCK_THREAD_CPUTIME_ID);
}

Cost store_by_exporter(const Work& work, exporter::RedisForm form) {
  telemetry::RecordRing ring{work.records * sizeof(telemetry::PacketRecord) + kMiB};
  for (std::size_t n = 0; n < work.records; ++n) {
    const telemetry::RecordSlot slot = ring.reserve(0);
    *slot.packet = make_record(n);
    ring.commit(slot);
  }
  ring.publish();
  exporter::ExporterConfig config;
  config.redis.address = work.server;
  config.redis.format = form;
  config.when_full = exporter::WhenFull::wait;
  config.memory_bytes = 16 * kMiB;  // what is on its way stays in cache
  const auto start = steady_clock::now();
  const auto cpu = others_cpu();
  exporter::Exporter exporter{config, exporter::make_store(config), {ring}};
  const auto stored = [&] { return exporter.stats().stored.value(); };
  while (stored() != work.records) {
    std::this_thread::sleep_for(std::chrono::microseconds{200});
    if (exporter.failed() || exporter.stats().all_lost() != 0) {
      throw std::runtime_error{"the exporter lost records"};
    }
  }
  const auto time = steady_clock::now() - start;
  exporter.stop(steady_clock::now());  // its thread's CPU counts once it has ended
  return {.time = time, .cpu = others_cpu() - cpu};
}

}  // namespace

telemetry::PacketRecord make_record(std::uint64_t n) {
  telemetry::PacketRecord record;
  record.format = telemetry::Format::valinor_n;
  record.flags = telemetry::flag::kSwitchTime;
  record.switch_time.since_epoch = Nanos{static_cast<std::int64_t>(1'000'000'000'000 + 137 * n)};
  record.received.since_epoch = record.switch_time.since_epoch + Nanos{900};
  record.flow.protocol = 6;
  record.flow.source[10] = record.flow.source[11] = std::byte{0xFF};
  record.flow.source[12] = std::byte{10};
  record.flow.source[15] = static_cast<std::byte>(n % 64);
  record.flow.destination = record.flow.source;
  record.flow.source_port = static_cast<std::uint16_t>(5000 + n / 64 % 64);
  record.flow.destination_port = 80;
  record.packet_bytes = 1500;
  record.frame_bytes = 154;
  record.enqueue = static_cast<std::uint32_t>(n * 2654435761U) & 0x3ffff;
  record.queue_delay = static_cast<std::uint32_t>(n * 40503U) & 0xffff;
  return record;
}

Cost store_zset(const Work& work) {
  return store_by_exporter(work, exporter::RedisForm::valinor_zset);
}

Cost store_stream(const Work& work) { return store_by_exporter(work, exporter::RedisForm::stream); }

Cost export_to_zset(const Work& work) {
  std::string program = work.program;
  std::string target = "zset@" + work.server.to_url();
  std::string from = work.npy_file;
  std::array<std::string, 6> words{program, "export", "--from", from, "--to", target};
  std::array<char*, 7> arguments{};
  for (std::size_t i = 0; i < words.size(); ++i) arguments[i] = words[i].data();
  posix_spawn_file_actions_t actions;
  ::posix_spawn_file_actions_init(&actions);
  ::posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
  const auto start = steady_clock::now();
  pid_t pid = 0;
  const int error =
      ::posix_spawn(&pid, program.c_str(), &actions, nullptr, arguments.data(), environ);
  ::posix_spawn_file_actions_destroy(&actions);
  if (error != 0) throw std::runtime_error{"cannot start " + program};
  int status = 0;
  rusage usage{};
  ::wait4(pid, &status, 0, &usage);
  const auto time = steady_clock::now() - start;
  if (status != 0) throw std::runtime_error{program + " export failed"};
  const auto to_nanos = [](const timeval& value) {
    return std::chrono::seconds{value.tv_sec} + std::chrono::microseconds{value.tv_usec};
  };
  return {.time = time, .cpu = to_nanos(usage.ru_utime) + to_nanos(usage.ru_stime)};
}

}  // namespace valinor::bench
