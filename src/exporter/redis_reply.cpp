#include "exporter/redis_reply.hpp"

#include <algorithm>
#include <array>

namespace valinor::exporter {
namespace {

constexpr std::array<std::string_view, 8> kTemporary{
    "LOADING", "BUSY", "TRYAGAIN", "CLUSTERDOWN", "MASTERDOWN", "OOM", "MISCONF", "NOREPLICAS"};

constexpr std::array<std::string_view, 8> kOperator{"WRONGTYPE", "NOPERM", "NOAUTH", "WRONGPASS",
                                                    "READONLY",  "MOVED",  "ASK",    "DENIED"};

}  // namespace

std::string_view to_text(const redisReply& reply) noexcept {
  return reply.str == nullptr ? std::string_view{} : std::string_view{reply.str, reply.len};
}

RefusalKind judge_error(std::string_view error) noexcept {
  const std::string_view word = error.substr(0, error.find(' '));
  if (std::ranges::find(kTemporary, word) != kTemporary.end()) return RefusalKind::temporary;
  if (std::ranges::find(kOperator, word) != kOperator.end()) return RefusalKind::by_operator;
  return RefusalKind::about_the_command;
}

}  // namespace valinor::exporter
