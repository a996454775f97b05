#include "clock/phc.hpp"

#include <fcntl.h>
#include <sys/ioctl.h>

#include <cerrno>

#include "base/failure.hpp"

namespace valinor::clock {
namespace {

/// Readings of which the narrowest counts, where one call makes several. Three: one is likely not
/// to be interrupted. More: each takes microseconds on the PCIe bus, which the NIC needs for
/// packets.
constexpr unsigned kReadings = 3;

}  // namespace

Phc::Phc(int index) : name_{"ptp" + std::to_string(index)} {
  const std::string path = "/dev/" + name_;
  fd_ = UniqueFd{::open(path.c_str(), O_RDONLY | O_CLOEXEC)};
  if (!fd_) {
    throw Failure{
        ExitStatus::host_not_ready,
        {"TIME-PHC-01", "cannot read the NIC's clock " + path, "open said " + describe_errno(errno),
         errno == EACCES ? "sudo setfacl -m u:$USER:r " + path
                         : "ls -l /dev/ptp*    in a container: is the device passed in?"}};
  }
  for (const PhcMethod method : {PhcMethod::precise, PhcMethod::extended, PhcMethod::plain}) {
    method_ = method;
    if (sample_by(method)) return;
  }
  throw Failure{
      ExitStatus::host_not_ready,
      {"TIME-PHC-01", "cannot read the NIC's clock " + path,
       "it answers none of the PTP_SYS_OFFSET calls; the last said " + describe_errno(errno),
       "timestamp.source: software"}};
}

std::optional<PhcSample> Phc::sample() const noexcept { return sample_by(method_); }

std::optional<PhcSample> Phc::sample_by(PhcMethod method) const noexcept {
  switch (method) {
    case PhcMethod::precise: {
      ptp_sys_offset_precise answer{};
      if (::ioctl(fd_.get(), PTP_SYS_OFFSET_PRECISE, &answer) != 0) return std::nullopt;
      return to_sample(answer);
    }
    case PhcMethod::extended: {
      ptp_sys_offset_extended answer{};
      answer.n_samples = kReadings;
      if (::ioctl(fd_.get(), PTP_SYS_OFFSET_EXTENDED, &answer) != 0) return std::nullopt;
      return to_sample(answer);
    }
    case PhcMethod::plain: break;
  }
  ptp_sys_offset answer{};
  answer.n_samples = kReadings;
  if (::ioctl(fd_.get(), PTP_SYS_OFFSET, &answer) != 0) return std::nullopt;
  return to_sample(answer);
}

}  // namespace valinor::clock
