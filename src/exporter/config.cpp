#include "exporter/config.hpp"

#include <sys/un.h>

#include <algorithm>
#include <charconv>
#include <limits>

namespace valinor::exporter {
namespace {

constexpr std::string_view kTcp = "redis://";
constexpr std::string_view kTls = "rediss://";
constexpr std::string_view kUnix = "unix://";

tl::unexpected<Error> bad_url(std::string_view url, std::string_view why) {
  return fail(std::errc::invalid_argument,
              std::string{"redis url '"}.append(url).append("': ").append(why));
}

/// The whole of `text` as a number of at most `most`.
bool parse_number(std::string_view text, std::uint32_t most, std::uint32_t& number) {
  const char* end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, number);
  return error == std::errc{} && stop == end && number <= most;
}

/// Cuts `text` at the first `mark`: what stood before it is answered, what follows stays.
/// Without a mark all of it is answered and nothing stays.
std::string_view cut_at(std::string_view& text, char mark) {
  const std::size_t at = text.find(mark);
  const std::string_view head = text.substr(0, at);
  text = at == std::string_view::npos ? std::string_view{} : text.substr(at + 1);
  return head;
}

bool parse_database(std::string_view text, std::uint32_t& database) {
  return parse_number(text, std::numeric_limits<std::int32_t>::max(), database);
}

Result<RedisAddress> parse_unix(std::string_view url) {
  std::string_view rest = url.substr(kUnix.size());
  const std::string_view path = cut_at(rest, '?');
  RedisAddress address;
  address.host.clear();
  address.socket_path = path;
  if (!path.starts_with('/') || path.size() == 1) {
    return bad_url(url, "a UNIX socket needs its whole path, as in unix:///run/redis.sock");
  }
  if (path.size() >= sizeof(sockaddr_un::sun_path)) {
    return bad_url(url, "the path of a UNIX socket has at most 107 characters");
  }
  if (rest.empty()) return address;
  if (cut_at(rest, '=') != "db" || !parse_database(rest, address.database)) {
    return bad_url(url, "only ?db=<number> may follow the path");
  }
  return address;
}

/// Reads "host:port", without a port that of `address` stays; `url` is all of what is read.
Result<void> parse_host_and_port(std::string_view url, std::string_view port,
                                 RedisAddress& address) {
  if (port.starts_with('[')) {
    if (port.find(']') == std::string_view::npos) return bad_url(url, "']' is missing");
    address.host = cut_at(port, ']').substr(1);
    if (!port.empty() && !port.starts_with(':')) {
      return bad_url(url, "only a port may follow the address in brackets");
    }
    if (!port.empty()) port.remove_prefix(1);
  } else if (port.find(':') != port.rfind(':')) {
    return bad_url(url, "an IPv6 address stands in brackets, as in [::1]:6379");
  } else {
    address.host = cut_at(port, ':');
  }
  if (address.host.empty()) return bad_url(url, "the host is missing");
  std::uint32_t number = address.port;
  if (!port.empty() && (!parse_number(port, 65535, number) || number == 0)) {
    return bad_url(url, "the port is a number from 1 to 65535");
  }
  address.port = static_cast<std::uint16_t>(number);
  return {};
}

Result<RedisAddress> parse_tcp(std::string_view url) {
  RedisAddress address;
  address.tls = url.starts_with(kTls);
  std::string_view database = url.substr(address.tls ? kTls.size() : kTcp.size());
  if (database.find('@') != std::string_view::npos) address.user = cut_at(database, '@');
  const std::string_view host = cut_at(database, '/');
  if (auto fine = parse_host_and_port(url, host, address); !fine) {
    return tl::unexpected{std::move(fine.error())};
  }
  if (!database.empty() && !parse_database(database, address.database)) {
    return bad_url(url, "the database behind the '/' is a number");
  }
  return address;
}

/// What stands before the '@' is a plain user name, or nothing. Repeats none of it: who writes a
/// password there may have got the form wrong as well.
Result<void> check_login(std::string_view url) {
  const std::size_t scheme = url.find("://");
  const std::string_view rest = scheme == std::string_view::npos ? url : url.substr(scheme + 3);
  const bool is_unix = url.starts_with(kUnix);
  // In the path of a UNIX socket an '@' is a character like any other.
  if (is_unix && rest.starts_with('/')) return {};
  const std::size_t end = rest.rfind('@');
  if (end == std::string_view::npos) return {};
  const std::string_view user = rest.substr(0, end);
  const bool takes_user = url.starts_with(kTcp) || url.starts_with(kTls);
  if (takes_user && !user.empty() && user.find_first_of(":/@%?#") == std::string_view::npos) {
    return {};
  }
  return fail(
      std::errc::invalid_argument,
      "redis url: only a user's name, without ':/@%?#', may stand before the '@' of redis:// "
      "and rediss://; another user belongs into export.redis.username, and a password into "
      "export.redis.password_file or the environment variable VALINOR_REDIS_PASSWORD");
}

}  // namespace

std::string RedisAddress::to_host_and_port() const {
  const bool is_ipv6 = host.find(':') != std::string::npos;
  return (is_ipv6 ? "[" + host + "]" : host) + ":" + std::to_string(port);
}

std::string RedisAddress::to_url() const {
  if (host.empty()) {
    return std::string{kUnix} + socket_path + "?db=" + std::to_string(database);
  }
  return std::string{tls ? kTls : kTcp} + (user.empty() ? "" : user + "@") + to_host_and_port() +
         "/" + std::to_string(database);
}

bool RedisConfig::has_records_in(std::uint32_t database) const noexcept {
  return address.database == database ||
         std::ranges::find(endpoints, database, &RedisAddress::database) != endpoints.end();
}

std::string RedisConfig::describe() const {
  std::string text = address.to_url();
  if (cluster) {
    text = "the cluster of " + text + ", in " + std::to_string(shards) + " keys";
  } else if (!sentinel.master.empty()) {
    text = "the master '" + sentinel.master + "' that " + std::to_string(sentinel.hosts.size()) +
           (sentinel.hosts.size() == 1 ? " sentinel names" : " sentinels name");
  } else if (!endpoints.empty()) {
    text += " and " + std::to_string(endpoints.size()) + " more, by flow";
  }
  return format == RedisForm::both ? text + ", and into a stream" : text;
}

Result<RedisAddress> parse_sentinel(std::string_view text) {
  RedisAddress address;
  address.port = 26379;
  if (text.find_first_of("/@") != std::string_view::npos) {
    return fail(std::errc::invalid_argument,
                "a sentinel is written host:port, as in 10.0.0.1:26379");
  }
  if (auto fine = parse_host_and_port(text, text, address); !fine) {
    return tl::unexpected{std::move(fine.error())};
  }
  return address;
}

Result<RedisAddress> parse_redis_url(std::string_view url) {
  // First of all, so that no message below can repeat a password.
  if (auto fine = check_login(url); !fine) return tl::unexpected{std::move(fine.error())};
  if (url.starts_with(kUnix)) return parse_unix(url);
  if (url.starts_with(kTcp) || url.starts_with(kTls)) return parse_tcp(url);
  return bad_url(url, "starts with none of redis://, rediss:// and unix://");
}

}  // namespace valinor::exporter
