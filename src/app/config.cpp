#include "app/config.hpp"

#include <algorithm>

namespace valinor::app {

using packet_io::afxdp::InterfaceConfig;

const InterfaceConfig& Config::network_side() const {
  const auto found = std::find_if(interfaces.begin(), interfaces.end(),
                                  [&](const auto& one) { return one.name != forward_to; });
  return found == interfaces.end() ? interfaces.front() : *found;
}

InterfaceConfig Config::host_side() const {
  const auto found = std::find_if(interfaces.begin(), interfaces.end(),
                                  [&](const auto& one) { return one.name == forward_to; });
  if (found != interfaces.end()) return *found;
  InterfaceConfig side = network_side();
  side.name = forward_to;
  side.settings = {};
  return side;
}

}  // namespace valinor::app
