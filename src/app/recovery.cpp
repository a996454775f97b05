#include "app/recovery.hpp"

#include <fmt/format.h>
#include <net/if.h>

#include <algorithm>
#include <exception>

#include "base/failure.hpp"
#include "base/log.hpp"
#include "base/numbers.hpp"
#include "nic/ethtool.hpp"
#include "nic/link.hpp"

namespace valinor::app {
namespace {

using packet_io::afxdp::OpenInterface;

/// How often opening is tried while nothing is heard.
constexpr std::chrono::milliseconds kRetry{500};

/// How long frames handed to an interface that is gone may take to come back. Most never do.
constexpr std::chrono::milliseconds kLastFramesPatience{100};

constexpr const char* kLost = "IF-LOST-01";

double seconds(Recovery::Clock::duration time) {
  return std::chrono::duration<double>{time}.count();
}

std::uint32_t receive_queues_of(const nic::Device& device) {
  const auto channels = nic::channels(device);
  return channels ? channels->now.receive() : 0;
}

/// Whether an interface that we have no program on any more is there still.
bool is_there(const packet_io::afxdp::Interface& interface) {
  try {
    return nic::Device{interface.name}.index() == interface.index;
  } catch (const Failure&) {
    return false;
  }
}

/// What the kernel counts the interfaces of a group as; 0 for one that is not there.
std::vector<unsigned> indexes_now(const Group& group) {
  std::vector<unsigned> indexes;
  indexes.reserve(group.interfaces.size());
  for (const OpenInterface* interface : group.interfaces) {
    indexes.push_back(::if_nametoindex(interface->interface().name.c_str()));
  }
  return indexes;
}

void close(const Group& group) {
  for (OpenInterface* interface : group.interfaces) interface->close();
}

}  // namespace

Recovery::Recovery(Wiring& wiring, bool may_reopen) : may_reopen_{may_reopen} {
  for (Group& group : wiring.groups) {
    Service& service =
        services_.emplace_back(Service{.group = group, .interfaces = {}, .complaint = {}});
    for (OpenInterface* interface : group.interfaces) {
      const nic::Device device{interface->interface().name};
      service.interfaces.push_back({.interface = interface,
                                    .up = nic::link_of(device).carrier,
                                    .receive_queues = receive_queues_of(device)});
    }
  }
}

void Recovery::check() {
  const bool news = monitor_.has_news();
  for (Service& service : services_) {
    if (service.open) {
      look_after(service, news);
    } else if (may_reopen_ && (news || Clock::now() >= service.next_try)) {
      try_again(service);
    }
  }
}

void Recovery::look_after(Service& service, bool news) {
  for (Watched& watched : service.interfaces) {
    if (!watched.interface->is_open()) return lose(service, watched);
  }
  if (!news) return;
  for (Watched& watched : service.interfaces) {
    try {
      look_at(service, watched);
    } catch (const std::exception& gone) {  // between our two looks; the next one tells
      log::debug("{}: {}", watched.interface->interface().name, gone.what());
    }
  }
}

void Recovery::look_at(Service& service, Watched& watched) {
  const packet_io::afxdp::Interface& interface = watched.interface->interface();
  const nic::Device device{interface.name};
  const nic::Link link = nic::link_of(device);
  if (watched.up && !link.carrier) {
    watched.down_since = Clock::now();
    ++watched.times_down;
    log::warning("{}: link is down", interface.name);
  } else if (!watched.up && link.carrier) {
    log::info("{}: link is up{}", interface.name,
              watched.times_down == 0 ? ""
                                      : fmt::format(" again, after {:.3f} s",
                                                    seconds(Clock::now() - watched.down_since)));
  }
  watched.up = link.carrier;
  if (link.mtu != interface.mtu) adapt_mtu(service, watched, link.mtu);
  const std::uint32_t queues = receive_queues_of(device);
  if (queues > watched.receive_queues && watched.interface->config().queues.empty()) {
    log::warning(
        "{}: has {} receive queues now and had {}: packets of the new ones go to the kernel "
        "until a restart",
        interface.name, queues, watched.receive_queues);
  }
  watched.receive_queues = queues;
}

void Recovery::adapt_mtu(const Service& service, const Watched& watched, std::uint32_t mtu) {
  OpenInterface& interface = *watched.interface;
  log::info("{}: MTU is {} now and was {}", interface.interface().name, mtu,
            interface.interface().mtu);
  interface.set_mtu(mtu);
  for (Lane* lane : service.group.lanes) {
    for (const auto& port : interface.ports()) lane->adapt(*port, mtu);
  }
  if (interface.ports().front()->takes_several_buffers()) return;
  try {
    packet_io::afxdp::require_mtu_fits(interface.interface(), interface.config().umem);
  } catch (const Failure& failure) {
    log::warning("{}: {}; larger frames are dropped [{}]", failure.finding().what,
                 failure.finding().why, failure.finding().code);
  }
}

void Recovery::lose(Service& service, Watched& lost) {
  const packet_io::afxdp::Interface& interface = lost.interface->interface();
  ++lost.times_lost;
  service.open = false;
  service.lost_at = Clock::now();
  service.next_try = service.lost_at;
  log::warning("{}: {}; {} [{}]", interface.name,
               is_there(interface) ? "the XDP program was taken off by somebody else"
                                   : "the interface was removed",
               may_reopen_ ? "it is opened again as soon as that is possible"
                           : "restart the program when it is back (security.reopen is false)",
               kLost);
  for (OpenInterface* one : service.group.interfaces) one->unsteer();
  const auto deadline = service.lost_at + kLastFramesPatience;
  for (Lane* lane : service.group.lanes) lane->ask_to_stop(deadline);
  for (Lane* lane : service.group.lanes) lane->join();
  close(service.group);
}

void Recovery::try_again(Service& service) {
  const std::vector<unsigned> indexes = indexes_now(service.group);
  std::string complaint;
  try {
    open(service);
  } catch (const Failure& failure) {
    const Finding& finding = failure.finding();
    complaint = fmt::format("{}{}{} [{}]", finding.what, finding.why.empty() ? "" : ": ",
                            finding.why, finding.code);
  } catch (const std::exception& failure) {
    complaint = failure.what();
  }
  if (complaint.empty()) {
    service.open = true;
    service.away += Clock::now() - service.lost_at;
    for (Watched& watched : service.interfaces) watched.up = true;
  } else {
    close(service.group);
    service.next_try = Clock::now() + kRetry;
    const bool is_away = std::ranges::count(indexes, 0U) != 0;
    const bool went_meanwhile = indexes_now(service.group) != indexes;
    if (is_away || went_meanwhile) {
      complaint.clear();  // nothing that will hold
    } else if (complaint != service.complaint) {
      log::warning("not opened again yet: {}", complaint);
    }
  }
  service.complaint = complaint;
}

void Recovery::open(Service& service) {
  const Group& group = service.group;
  for (const auto& pool : *group.pools) pool->reset();
  for (const Watched& watched : service.interfaces) {
    OpenInterface& interface = *watched.interface;
    const bool knew_times = interface.program().tells().need_driver();
    interface.reopen();
    const auto& port = *interface.ports().front();
    const std::string refusal = interface.refusal_of(port);
    log::info("{}: open again, mode {}{}{}", interface.interface().name,
              to_name(interface.mode_of(port)), refusal.empty() ? "" : "; ", refusal);
    for (const Finding& finding : interface.findings()) {
      log::warning("{}: {} [{}]", finding.what, finding.why, finding.code);
    }
    if (knew_times && !interface.program().tells().need_driver()) {
      log::warning(
          "{}: what the NIC says of packets (times, hash, VLAN tags) is not asked again "
          "until a restart",
          interface.interface().name);
    }
    for (Lane* lane : group.lanes) {
      for (const auto& one : interface.ports()) lane->adapt(*one, interface.interface().mtu);
    }
  }
  for (Lane* lane : group.lanes) lane->start();
  for (OpenInterface* interface : group.interfaces) interface->steer();
}

std::string Recovery::describe() const {
  std::string text;
  for (const Service& service : services_) {
    std::string items;
    for (const Watched& watched : service.interfaces) {
      const std::string& name = watched.interface->interface().name;
      const auto append = [&](std::string_view what, std::uint64_t times) {
        if (times == 0) return;
        items += fmt::format("{}{} {} {} times", items.empty() ? "" : ", ", name, what,
                             with_commas(times));
      };
      append("lost", watched.times_lost);
      append("down", watched.times_down);
    }
    const auto away =
        service.away + (service.open ? Clock::duration{} : Clock::now() - service.lost_at);
    if (away > Clock::duration{}) items += fmt::format("; away {:.3f} s", seconds(away));
    if (!items.empty()) text += (text.empty() ? "" : "; ") + items;
  }
  return text;
}

}  // namespace valinor::app
