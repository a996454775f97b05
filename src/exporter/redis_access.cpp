#include "exporter/redis_access.hpp"

#include <fcntl.h>
#include <sys/stat.h>

#include <array>
#include <cerrno>
#include <cstdlib>

#include "base/failure.hpp"
#include "base/log.hpp"
#include "base/unique_fd.hpp"

namespace valinor::exporter {
namespace {

constexpr const char* kEnvironment = "VALINOR_REDIS_PASSWORD";
constexpr const char* kCredential = "redis-password";

/// Redis takes longer ones, but what is longer is more likely the wrong file.
constexpr std::size_t kMaxPassword = 4096;

[[noreturn]] void refuse(const std::string& path, std::string why) {
  throw Failure{
      ExitStatus::host_not_ready,
      {"REDIS-PASS-01", "cannot read the Redis password from '" + path + "'", std::move(why),
       "a file with the password as its only line, which the user who starts this "
       "program can read:  chmod 600"}};
}

/// The file's only line.
std::string read_password(const std::string& path) {
  const UniqueFd fd{::open(path.c_str(), O_RDONLY | O_CLOEXEC)};
  if (!fd) refuse(path, describe_errno(errno));
  std::array<char, kMaxPassword + 2> bytes;
  std::size_t size = 0;
  while (size < bytes.size()) {
    const ssize_t part = ::read(fd.get(), bytes.data() + size, bytes.size() - size);
    if (part < 0) refuse(path, describe_errno(errno));
    if (part == 0) break;
    size += static_cast<std::size_t>(part);
  }
  std::string_view line{bytes.data(), size};
  if (line.ends_with('\n')) line.remove_suffix(1);
  if (line.ends_with('\r')) line.remove_suffix(1);
  if (line.empty()) refuse(path, "it is empty");
  if (line.size() > kMaxPassword) refuse(path, "it has more than 4096 bytes");
  if (line.find('\n') != std::string_view::npos) refuse(path, "it has more than one line");
  struct stat facts {};
  if (::fstat(fd.get(), &facts) == 0 && (facts.st_mode & S_IROTH) != 0) {
    log::warning("'{}' holds the Redis password, and every user can read it: chmod 600", path);
  }
  return std::string{line};
}

/// The credential's path, if systemd has given us one; else empty.
std::string find_credential() {
  const char* folder = std::getenv("CREDENTIALS_DIRECTORY");
  if (folder == nullptr || *folder == '\0') return {};
  std::string path = std::string{folder} + "/" + kCredential;
  return ::access(path.c_str(), F_OK) == 0 ? path : std::string{};
}

}  // namespace

RedisAccess read_access(const RedisConfig& config) {
  RedisAccess access;
  access.user = config.address.user.empty() ? config.username : config.address.user;
  if (!config.password_file.empty()) {
    access.password = read_password(config.password_file);
    access.password_source = "export.redis.password_file";
  } else if (const char* given = std::getenv(kEnvironment); given != nullptr && *given != '\0') {
    access.password = given;
    access.password_source = std::string{"the environment variable "} + kEnvironment;
  } else if (const std::string path = find_credential(); !path.empty()) {
    access.password = read_password(path);
    access.password_source = std::string{"the credential "} + kCredential;
  }
  if (config.address.tls) access.tls = std::make_shared<const TlsContext>(config.tls);
  return access;
}

}  // namespace valinor::exporter
