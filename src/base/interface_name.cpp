#include "base/interface_name.hpp"

#include <net/if.h>

#include "base/failure.hpp"

namespace valinor {

std::vector<std::string> interface_names() {
  std::vector<std::string> names;
  struct if_nameindex* const all = ::if_nameindex();
  for (auto* one = all; one != nullptr && one->if_index != 0; ++one) {
    names.emplace_back(one->if_name);
  }
  ::if_freenameindex(all);
  return names;
}

InterfaceIndex find_interface_index(const std::string& name) {
  const unsigned index = name.size() < IFNAMSIZ ? ::if_nametoindex(name.c_str()) : 0;
  if (index != 0) return InterfaceIndex{index};
  std::string names;
  for (const std::string& one : interface_names()) names += (names.empty() ? "" : ", ") + one;
  throw Failure{ExitStatus::host_not_ready,
                {.code = "IF-NAME-01",
                 .what = name + ": no such interface",
                 .why = "interfaces here: " + (names.empty() ? "none" : names),
                 .next = "ip -brief link    shows them with their state; those of other network "
                         "namespaces are not seen from here"}};
}

}  // namespace valinor
