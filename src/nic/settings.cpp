#include "nic/settings.hpp"

#include <fmt/format.h>

#include <cerrno>
#include <exception>

#include "base/failure.hpp"
#include "base/log.hpp"
#include "nic/restore.hpp"

namespace valinor::nic {
namespace {

void tell(const Restoration& restoration) {
  const bool is_well = restoration.result == RestoreResult::restored;
  log::write(is_well ? log::Level::info : log::Level::warning, to_text(restoration));
}

[[noreturn]] void refuse(const Device& device, const Setting& wanted, int error) {
  const bool is_permission = error == EPERM || error == EACCES;
  throw Failure{
      is_permission ? ExitStatus::not_permitted : ExitStatus::host_not_ready,
      {.code = "NIC-SET-01",
       .what = fmt::format("{}: the NIC does not take: {}", device.name(), describe(wanted)),
       .why = error == EPERM    ? describe_errno(error) + "; CAP_NET_ADMIN is missing"
              : error == EACCES ? describe_errno(error) + "; its file in /sys is root's"
                                : "the driver answered " + describe_errno(error),
       .next = to_command(device.name(), wanted) + "    may say more"}};
}

}  // namespace

Settings::Settings(const std::string& interface, const std::filesystem::path& folder)
    : device_{interface}, journal_{device_, folder} {
  for (const Restoration& done : restore_left_behind(Left::by_crash, folder, interface)) tell(done);
}

Settings::~Settings() {
  if (kept_) return;
  bool is_finished = true;
  for (auto change = changes_.rbegin(); change != changes_.rend(); ++change) {
    try {
      const Restoration done = restore(device_, *change);
      if (done.result != RestoreResult::restored) tell(done);
      if (done.result == RestoreResult::refused) is_finished = false;
    } catch (const std::exception& error) {
      is_finished = false;
      log::warning("{}: cannot put a setting back: {}", device_.name(), error.what());
    }
  }
  if (is_finished) journal_.remove();
}

Setting Settings::set(const Setting& wanted) {
  const auto before = read_like(device_, wanted);
  if (!before) refuse(device_, wanted, EOPNOTSUPP);
  if (*before == wanted) return wanted;
  journal_.will_change(*before);
  changes_.push_back({*before, std::nullopt});
  if (const int error = write(device_, wanted); error != 0) refuse(device_, wanted, error);
  Setting after = read_like(device_, wanted).value_or(*before);
  journal_.has_changed(after);
  changes_.back().after = after;
  return after;
}

void Settings::keep() {
  journal_.keep();
  kept_ = true;
}

}  // namespace valinor::nic
