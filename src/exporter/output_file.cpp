#include "exporter/output_file.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>

#include "base/failure.hpp"
#include "base/file_io.hpp"

namespace valinor::exporter {
namespace {

namespace fs = std::filesystem;

/// One write(2).
constexpr std::size_t kBufferBytes = std::size_t{1} << 20;

[[noreturn]] void refuse_output(const fs::path& path, int error) {
  throw Failure{
      ExitStatus::host_not_ready,
      {"EXPORT-WRITE-01", "cannot write records to " + path.string(), describe_errno(error),
       error == EEXIST ? "--overwrite replaces it; or another name" : "another folder"}};
}

[[noreturn]] void break_off(const fs::path& path, int error) {
  throw Failure{
      ExitStatus::host_not_ready,
      {"EXPORT-WRITE-02", "writing " + path.string() + " failed half-way", describe_errno(error),
       "df " + path.parent_path().string() + "    shows whether the disk is full"}};
}

}  // namespace

fs::path make_part_name(const fs::path& path, bool overwrite) {
  if (!overwrite && ::access(path.c_str(), F_OK) == 0) refuse_output(path, EEXIST);
  return path.string() + ".part";
}

OutputFile::OutputFile(const fs::path& path, bool overwrite)
    : path_{fs::absolute(path)}, part_{make_part_name(path_, overwrite)} {
  constexpr mode_t kMode = 0644;
  fd_ = UniqueFd{::open(part_.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, kMode)};
  if (!fd_) refuse_output(path_, errno);
  buffer_.reserve(kBufferBytes);
}

OutputFile::~OutputFile() {
  if (fd_) ::unlink(part_.c_str());
}

void OutputFile::append(std::span<const std::byte> bytes) {
  buffer_.insert(buffer_.end(), bytes.begin(), bytes.end());
  if (buffer_.size() >= kBufferBytes) write_buffer();
}

void OutputFile::write_buffer() {
  if (const int error = write_at(fd_.get(), buffer_, written_); error != 0) break_off(path_, error);
  written_ += buffer_.size();
  buffer_.clear();
}

void OutputFile::finish(std::string_view start) {
  write_buffer();
  const int error = write_at(fd_.get(), std::as_bytes(std::span{start}), 0);
  if (error != 0) break_off(path_, error);
  if (::rename(part_.c_str(), path_.c_str()) != 0) break_off(path_, errno);
  fd_.reset();
}

}  // namespace valinor::exporter
