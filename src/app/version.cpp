#include "app/version.hpp"

#include <bpf/libbpf.h>
#include <fmt/format.h>
#include <hiredis/hiredis.h>
#include <sys/utsname.h>

namespace valinor::app {

std::string version_text(bool build_info) {
  std::string text = fmt::format("valinor-afxdp {}\n", VALINOR_VERSION);
  if (!build_info) return text;
  utsname kernel{};
  ::uname(&kernel);
  text += fmt::format("  compiler  {}\n", __VERSION__);
  text += fmt::format("  libbpf    {}\n", ::libbpf_version_string());
  text += fmt::format("  hiredis   {}.{}.{}\n", HIREDIS_MAJOR, HIREDIS_MINOR, HIREDIS_PATCH);
  text += fmt::format("  kernel    {} {}\n", static_cast<const char*>(kernel.sysname),
                      static_cast<const char*>(kernel.release));
  return text;
}

}  // namespace valinor::app
