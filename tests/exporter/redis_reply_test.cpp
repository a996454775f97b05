#include "exporter/redis_reply.hpp"

#include <gtest/gtest.h>

namespace valinor::exporter {
namespace {

TEST(RedisReply, ErrorsAreJudgedByTheirFirstWord) {
  EXPECT_EQ(judge_error("LOADING Redis is loading the dataset in memory"), RefusalKind::temporary);
  EXPECT_EQ(judge_error("OOM command not allowed when used memory > 'maxmemory'."),
            RefusalKind::temporary);
  EXPECT_EQ(judge_error("WRONGTYPE Operation against a key"), RefusalKind::by_operator);
  EXPECT_EQ(judge_error("READONLY"), RefusalKind::by_operator);
  EXPECT_EQ(judge_error("ERR syntax error"), RefusalKind::about_the_command);
  EXPECT_EQ(judge_error("BUSYKEY Target key name already exists."), RefusalKind::about_the_command);
  EXPECT_EQ(judge_error(""), RefusalKind::about_the_command);
}

}  // namespace
}  // namespace valinor::exporter
