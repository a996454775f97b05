/// How code that judges input answers: a value, or what was wrong with the input.
#pragma once

#include <string>
#include <system_error>
#include <tl/expected.hpp>

namespace valinor {

struct Error {
  std::error_code code;
  std::string doing;  // what was being done, to which object: "open capture 'in.pcap'"
};

template <class T>
using Result = tl::expected<T, Error>;

[[nodiscard]] inline tl::unexpected<Error> fail(std::errc code, std::string doing) {
  return tl::unexpected<Error>{Error{std::make_error_code(code), std::move(doing)}};
}

/// For errors of system calls.
[[nodiscard]] inline tl::unexpected<Error> fail_errno(int error, std::string doing) {
  return tl::unexpected<Error>{Error{{error, std::generic_category()}, std::move(doing)}};
}

}  // namespace valinor
