#include "nic/undo_journal.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <fstream>
#include <nlohmann/json.hpp>

#include "base/failure.hpp"
#include "nic/setting_json.hpp"

namespace valinor::nic {
namespace {

using nlohmann::json;

[[noreturn]] void refuse(const std::filesystem::path& path, int error) {
  throw Failure{
      error == EACCES || error == EPERM ? ExitStatus::not_permitted : ExitStatus::host_not_ready,
      {.code = "NIC-UNDO-01",
       .what = "cannot note how to put NIC settings back, so none is changed",
       .why = fmt::format("writing {}: {}", path.string(), describe_errno(error)),
       .next = "run as root, with a writable /run"}};
}

std::optional<Change> to_change(const json& before) {
  auto setting = setting_from_json(before);
  if (!setting) return std::nullopt;
  return Change{*std::move(setting), std::nullopt};
}

/// False where the line is none of a journal.
bool read_line(const json& line, UndoRecord& record) {
  if (line.contains("before")) {
    auto change = to_change(line["before"]);
    if (!change) return false;
    record.changes.push_back(*std::move(change));
    return true;
  }
  if (line.contains("after")) {
    if (record.changes.empty()) return false;
    record.changes.back().after = setting_from_json(line["after"]);
    return true;
  }
  record.kept = line.value("kept", false);
  return record.kept;
}

std::optional<UndoRecord> read_head(const json& line) {
  try {
    UndoRecord record;
    record.interface = line.at("interface");
    record.index = line.at("index");
    record.namespace_cookie = line.at("namespace");
    record.boot = line.at("boot");
    record.process = line.at("pid");
    return record;
  } catch (const json::exception&) {
    return std::nullopt;
  }
}

}  // namespace

UndoJournal::UndoJournal(const Device& device, std::filesystem::path folder)
    : device_{device}, folder_{std::move(folder)} {}

void UndoJournal::will_change(const Setting& before) {
  if (!file_) create();
  write_line(json{{"before", to_json(before)}}.dump());
}

void UndoJournal::has_changed(const Setting& after) {
  write_line(json{{"after", to_json(after)}}.dump());
}

void UndoJournal::keep() {
  if (file_) write_line(json{{"kept", true}}.dump());
}

void UndoJournal::remove() noexcept {
  if (!file_) return;
  // While the lock is held, so that nobody reads it meanwhile. Emptied first: whoever has dropped
  // its rights since may not remove it, and an empty journal says that nothing is left to do.
  [[maybe_unused]] const int emptied = ::ftruncate(file_.get(), 0);
  ::unlink(path_.c_str());
  file_.reset();
}

void UndoJournal::create() {
  std::error_code error;
  std::filesystem::create_directories(folder_, error);
  if (error) refuse(folder_, error.value());
  for (unsigned number = 0; !file_; ++number) {
    path_ = folder_ / fmt::format("{}.{}.{}", device_.name(), ::getpid(), number);
    UniqueFd made{::open(path_.c_str(), O_CREAT | O_EXCL | O_WRONLY | O_APPEND | O_CLOEXEC, 0600)};
    if (!made && errno == EEXIST) continue;  // kept by a process that had our id
    if (!made || ::flock(made.get(), LOCK_EX) != 0) refuse(path_, errno);
    // Somebody who looked between the two calls has taken it for one left behind.
    struct stat found {};
    if (::fstat(made.get(), &found) == 0 && found.st_nlink != 0) file_ = std::move(made);
  }
  write_line(json{{"interface", device_.name()},
                  {"index", device_.index().value()},
                  {"namespace", device_.namespace_cookie()},
                  {"boot", boot_id()},
                  {"pid", ::getpid()}}
                 .dump());
}

void UndoJournal::write_line(const std::string& line) {
  const std::string text = line + "\n";
  if (::write(file_.get(), text.data(), text.size()) != static_cast<ssize_t>(text.size()) ||
      ::fsync(file_.get()) != 0) {
    refuse(path_, errno);
  }
}

std::optional<UndoRecord> read_undo_record(const std::filesystem::path& path) {
  std::ifstream file{path};
  std::optional<UndoRecord> record;
  for (std::string text; std::getline(file, text);) {
    const json line = json::parse(text, nullptr, false);
    if (!line.is_object()) break;
    if (!record) {
      record = read_head(line);
      if (!record) break;
    } else if (!read_line(line, *record)) {
      break;
    }
  }
  return record;
}

std::string boot_id() {
  std::ifstream file{"/proc/sys/kernel/random/boot_id"};
  std::string id;
  file >> id;
  return id;
}

}  // namespace valinor::nic
