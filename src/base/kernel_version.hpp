/// Versions of Linux, to be compared.
#pragma once

#include <charconv>
#include <compare>
#include <string_view>

namespace valinor {

struct KernelVersion {
  unsigned major = 0, minor = 0, patch = 0;
  friend auto operator<=>(const KernelVersion&, const KernelVersion&) = default;
};

/// The numbers at the start of `uname -r`. Distributions may count the patch in their own way:
/// "6.1.0-28-amd64" is Debian's 6.1.119.
[[nodiscard]] inline KernelVersion parse_kernel_version(std::string_view release) {
  KernelVersion version;
  const char* at = release.data();
  const char* const end = at + release.size();
  for (unsigned* part : {&version.major, &version.minor, &version.patch}) {
    at = std::from_chars(at, end, *part).ptr;
    if (at != end && *at == '.') ++at;
  }
  return version;
}

}  // namespace valinor
