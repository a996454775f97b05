/// What a user is told when set-up cannot go on. Set-up code throws; only main() catches.
///
///   error[XSK-BUSY-01]: veth0 queue 1: AF_XDP socket refused        <- what
///     why : another socket is bound to this queue (EBUSY)           <- observed fact
///     next: ss --xdp    shows its owner                             <- something to copy
#pragma once

#include <stdexcept>
#include <string>
#include <system_error>

namespace valinor {

/// Exit status of the program; scripts branch on these.
enum class ExitStatus : int {
  done = 0,
  internal_error = 1,
  usage = 2,
  config_invalid = 3,
  host_not_ready = 4,
  not_permitted = 5,
  records_lost = 6,
  comparison_failed = 7,
  interrupted_twice = 130,
};

/// One finding in the form above. `why` and `next` may hold several lines.
struct Finding {
  std::string code;  // "XSK-BUSY-01": stable, listed in docs/errors.md
  std::string what;
  std::string why;
  std::string next;

  /// The finding as printed, with a final newline; `severity` is "error" or "warning".
  [[nodiscard]] std::string to_text(const char* severity = "error") const;
};

/// A finding that ends the program with `exit_status`.
class Failure : public std::runtime_error {
 public:
  Failure(ExitStatus exit_status, Finding finding);

  [[nodiscard]] ExitStatus exit_status() const noexcept { return exit_status_; }
  [[nodiscard]] const Finding& finding() const noexcept { return finding_; }

 private:
  ExitStatus exit_status_;
  Finding finding_;
};

/// The name of an errno value, "EBUSY"; "errno 4711" for one without a name.
[[nodiscard]] std::string errno_name(int error);

/// "EBUSY: Device or resource busy"
[[nodiscard]] std::string describe_errno(int error);

/// Throws std::system_error for the current errno: "bind AF_XDP socket: Device or resource busy".
/// For failures that no user is expected to meet; the expected ones throw Failure.
[[noreturn]] void throw_errno(const std::string& doing);

}  // namespace valinor
