#include <fmt/format.h>

#include <algorithm>

#include "doctor/rules.hpp"
#include "nic/cpu_list.hpp"

namespace valinor::doctor {
namespace {

std::uint32_t usable(const NicFacts& nic) {
  return std::min(nic.queues.receive, nic.queues.transmit);
}

bool holds(const std::vector<QueueId>& queues, std::uint32_t queue) {
  return std::find(queues.begin(), queues.end(), QueueId{queue}) != queues.end();
}

/// The channels with which queue `last` exists, where the NIC can have so many.
std::optional<nic::Setting> enough_channels(const NicFacts& nic, std::uint32_t last) {
  if (!nic.channels) return std::nullopt;
  const nic::Channels& most = nic.channels->most;
  nic::Channels wanted = nic.channels->now;
  const std::uint32_t count = last + 1;
  if (most.combined >= count) {
    wanted.combined = count;
  } else if (most.rx >= count && most.tx >= count) {
    wanted.rx = std::max(wanted.rx, count);
    wanted.tx = std::max(wanted.tx, count);
  } else {
    return std::nullopt;
  }
  return wanted;
}

/// That receive and send.
std::uint32_t most_channels(const NicFacts& nic) {
  if (!nic.channels) return 0;
  const nic::Channels& most = nic.channels->most;
  return most.combined != 0 ? most.combined : std::min(most.rx, most.tx);
}

/// False where a queue that is read is not there, or the run is to change how many there are.
bool judge_existence(const NicFacts& nic, const Wanted& wanted, Diagnoses& out) {
  const std::uint32_t to_be = wanted.interface.settings.channels;
  if (to_be != 0 && (to_be != nic.queues.receive || to_be != nic.queues.transmit)) {
    const std::uint32_t most = most_channels(nic);
    const std::string now =
        fmt::format("{} receive, {} transmit; ", nic.queues.receive, nic.queues.transmit);
    out.push_back(to_be <= most
                      ? ok("queues", now + fmt::format("the run sets {}", to_be))
                      : fail("queues",
                             now + fmt::format("at most {}, and channels is {}", most, to_be),
                             "interfaces[].channels: fewer"));
    return false;
  }
  std::uint32_t last = 0;
  for (const QueueId queue : wanted.interface.queues) last = std::max(last, queue.value());
  if (wanted.interface.queues.empty() || last < usable(nic)) {
    out.push_back(
        ok("queues",
           fmt::format("{} receive, {} transmit; {} {}", nic.queues.receive, nic.queues.transmit,
                       wanted.is_configured ? "the configuration reads" : "a run would read",
                       to_list(queues_read(nic, wanted)))));
    return true;
  }
  const std::string text =
      fmt::format("{} receive and {} transmit queues, the configuration reads {}",
                  nic.queues.receive, nic.queues.transmit, to_list(wanted.interface.queues));
  if (const auto more = enough_channels(nic, last)) {
    out.push_back(fixable(Level::failure, "queues", text, nic.name, *more));
  } else {
    out.push_back(fail("queues", text, "interfaces[].queues: those that there are"));
  }
  return false;
}

/// Rules that lead packets, telemetry among them perhaps, to queues that nobody reads.
void judge_flow_rules(const NicFacts& nic, const std::vector<QueueId>& read, Diagnoses& out) {
  for (const nic::FlowRule& rule : nic.rules.value_or(std::vector<nic::FlowRule>{})) {
    if (!rule.queue || holds(read, rule.queue->value())) continue;
    out.push_back(warn(
        "steering",
        fmt::format("rule {} sends {} packets to queue {}, which is not read", rule.location,
                    nic::to_flow_type(rule.kind), rule.queue->value()),
        fmt::format("ethtool -N {} delete {}    if they are telemetry", nic.name, rule.location)));
  }
}

void judge_spread(const NicFacts& nic, const std::vector<QueueId>& read, Diagnoses& out) {
  std::vector<QueueId> unread;
  for (std::uint32_t queue = 0; queue < nic.queues.receive; ++queue) {
    const bool gets_some =
        nic.rss.empty() || std::find(nic.rss.begin(), nic.rss.end(), queue) != nic.rss.end();
    if (gets_some && !holds(read, queue)) unread.emplace_back(queue);
  }
  if (unread.empty()) return;
  const std::string text = fmt::format(
      "packets are spread over {} queues; telemetry on {} is not read, and goes to the kernel",
      nic.queues.receive, to_list(unread));
  if (nic.rss.empty()) {
    out.push_back(warn("steering", text, "interfaces[].queues: all"));
  } else {
    out.push_back(fixable(Level::warning, "steering", text, nic.name,
                          nic::spread_over(read, nic.rss.size())));
  }
}

}  // namespace

std::vector<QueueId> queues_read(const NicFacts& nic, const Wanted& wanted) {
  if (!wanted.interface.queues.empty()) return wanted.interface.queues;
  std::vector<QueueId> all;
  for (std::uint32_t queue = 0; queue < usable(nic); ++queue) all.emplace_back(queue);
  return all;
}

std::string to_list(std::vector<std::uint32_t> numbers) {
  std::sort(numbers.begin(), numbers.end());
  std::vector<CpuId> cpus;  // the kernel's lists of CPUs look the same
  cpus.reserve(numbers.size());
  for (const std::uint32_t number : numbers) cpus.emplace_back(number);
  return nic::to_cpu_list(cpus);
}

std::string to_list(const std::vector<QueueId>& queues) {
  std::vector<std::uint32_t> numbers;
  numbers.reserve(queues.size());
  for (const QueueId queue : queues) numbers.push_back(queue.value());
  return to_list(std::move(numbers));
}

void judge_queues(const NicFacts& nic, const Wanted& wanted, Diagnoses& out) {
  if (!judge_existence(nic, wanted, out)) return;
  const std::vector<QueueId> read = queues_read(nic, wanted);
  if (wanted.interface.settings.spread == nic::Spread::unchanged) judge_spread(nic, read, out);
  judge_flow_rules(nic, read, out);
}

}  // namespace valinor::doctor
