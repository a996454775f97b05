#include "exporter/config.hpp"

#include <gtest/gtest.h>

namespace valinor::exporter {
namespace {

TEST(RedisUrl, HostPortAndDatabase) {
  const auto address = parse_redis_url("redis://redis.lab:7000/3");
  ASSERT_TRUE(address);
  EXPECT_EQ(*address,
            (RedisAddress{.host = "redis.lab", .port = 7000, .socket_path = {}, .database = 3}));
}

TEST(RedisUrl, PortAndDatabaseMayBeLeftOut) {
  for (const char* url : {"redis://10.0.0.9", "redis://10.0.0.9/", "redis://10.0.0.9:6379",
                          "redis://10.0.0.9:6379/0"}) {
    const auto address = parse_redis_url(url);
    ASSERT_TRUE(address) << url;
    EXPECT_EQ(address->host, "10.0.0.9");
    EXPECT_EQ(address->port, 6379);
    EXPECT_EQ(address->database, 0u);
  }
}

TEST(RedisUrl, EveryFormSurvivesTheWayThereAndBack) {
  for (const char* url :
       {"redis://127.0.0.1:6379/0", "redis://[::1]:7000/2", "rediss://10.0.0.9:6380/1",
        "rediss://writer@[::1]:6379/0", "redis://writer@redis.lab:6379/0",
        "unix:///run/redis/redis.sock?db=5", "unix:///run/a@b.sock?db=0"}) {
    const auto address = parse_redis_url(url);
    ASSERT_TRUE(address) << url;
    EXPECT_EQ(address->to_url(), url);
  }
  EXPECT_EQ(RedisAddress{}.to_url(), "redis://127.0.0.1:6379/0");
  EXPECT_EQ(parse_redis_url("redis://[::1]")->to_url(), "redis://[::1]:6379/0");
  EXPECT_EQ(parse_redis_url("unix:///r.sock")->to_url(), "unix:///r.sock?db=0");
}

TEST(RedisUrl, UserAndTls) {
  const auto address = parse_redis_url("rediss://writer@redis.lab/2");
  ASSERT_TRUE(address);
  EXPECT_EQ(address->user, "writer");
  EXPECT_EQ(address->host, "redis.lab");
  EXPECT_TRUE(address->tls);
  EXPECT_FALSE(parse_redis_url("redis://redis.lab")->tls);
}

TEST(RedisUrl, SaysWhatIsWrong) {
  const std::pair<std::string, const char*> cases[]{
      {"127.0.0.1:6379", "starts with none"},
      {"http://host", "starts with none"},
      {"redis://", "host is missing"},
      {"redis://:6379", "host is missing"},
      {"redis://h:0", "1 to 65535"},
      {"redis://h:65536", "1 to 65535"},
      {"redis://h:6x", "1 to 65535"},
      {"redis://h/x", "database"},
      {"redis://h/-1", "database"},
      {"redis://h/4294967296", "database"},
      {"redis://::1/0", "brackets"},
      {"redis://[::1", "']' is missing"},
      {"redis://[::1]6379", "brackets"},
      {"unix://run/redis.sock", "whole path"},
      {"unix:///", "whole path"},
      {"unix:///r.sock?db=", "?db="},
      {"unix:///r.sock?database=1", "?db="},
      {"unix:///" + std::string(107, 'x'), "107"},
      {"rediss://", "host is missing"},
      {"redis://user@", "host is missing"},
      {"redis://@h", "username"},
      {"redis://us%20er@h", "username"},
      {"unix://user@/run/redis.sock", "username"},
  };
  for (const auto& [url, part] : cases) {
    const auto address = parse_redis_url(url);
    ASSERT_FALSE(address) << url;
    EXPECT_NE(address.error().doing.find(part), std::string::npos) << address.error().doing;
  }
}

TEST(RedisUrl, NeverRepeatsAPassword) {
  for (const char* url :
       {"redis://user:secret@h/0", "rediss://:secret@h", "unix://user:secret@/run/redis.sock",
        "redis://:sec/ret@h", "redis://a@secret:b@h", "redis://sec/ret@h", "valkey://u:secret@h",
        "u:secret@h"}) {
    const auto address = parse_redis_url(url);
    ASSERT_FALSE(address) << url;
    EXPECT_EQ(address.error().doing.find("sec"), std::string::npos) << address.error().doing;
    EXPECT_NE(address.error().doing.find("password"), std::string::npos);
  }
}

}  // namespace
}  // namespace valinor::exporter
