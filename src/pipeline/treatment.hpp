/// What a role means for one direction of traffic.
#pragma once

#include <cstdint>

#include "pipeline/config.hpp"

namespace valinor::pipeline {

enum class Treatment : std::uint8_t {
  consume,       // record and recycle
  reflect,       // turn around
  pass_on,       // send to the other side as it is
  strip,         // ... without telemetry
  push_hop,      // ... with a hop of ours on top
  insert,        // ... plain packets with telemetry of ours
  take_request,  // ... without telemetry, which is remembered
  give_reply,    // ... replies with the telemetry of their requests
};

/// Whether plain packets, and broken telemetry, go on to the other side.
[[nodiscard]] constexpr bool passes_everything(Treatment treatment) noexcept {
  return treatment >= Treatment::pass_on;
}

/// Of what comes from the network; of one-sided roles, of everything.
[[nodiscard]] constexpr Treatment from_network(Role role) noexcept {
  switch (role) {
    case Role::collect: return Treatment::consume;
    case Role::reflect: return Treatment::reflect;
    case Role::forward:
    case Role::source: return Treatment::pass_on;
    case Role::sink: return Treatment::strip;
    case Role::transit: return Treatment::push_hop;
    case Role::host: return Treatment::take_request;
  }
  return Treatment::consume;
}

/// Of what comes from the host's side, in two-sided roles.
[[nodiscard]] constexpr Treatment from_host(Role role) noexcept {
  switch (role) {
    case Role::transit: return Treatment::push_hop;
    case Role::source: return Treatment::insert;
    case Role::host: return Treatment::give_reply;
    default: return Treatment::pass_on;
  }
}

}  // namespace valinor::pipeline
