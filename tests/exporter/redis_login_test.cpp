/// Users and passwords, against a real server with an ACL.
#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "redis_store_fixture.hpp"

namespace valinor::exporter {
namespace {

using valinor::test::RedisServer;

constexpr const char* kPassword = "s3cret-Of-The-Test";

class RedisLoginTest : public test::RedisStoreTest {
 protected:
  void SetUp() override {
    test::RedisStoreTest::SetUp();
    ::unsetenv("VALINOR_REDIS_PASSWORD");
    ::unsetenv("CREDENTIALS_DIRECTORY");
    std::string pattern =
        (std::filesystem::temp_directory_path() / "valinor-login-XXXXXX").string();
    ASSERT_NE(::mkdtemp(pattern.data()), nullptr);
    folder_ = pattern;
  }
  void TearDown() override {
    ::unsetenv("VALINOR_REDIS_PASSWORD");
    ::unsetenv("CREDENTIALS_DIRECTORY");
    std::error_code ignored;
    std::filesystem::remove_all(folder_, ignored);
  }

  /// Only `writer` may write, into the key "0"; with the rights that docs/redis.md says are enough.
  /// The test itself is the default user.
  static std::vector<std::string> only_writer_may() {
    return {"--user",  "writer",         "on", std::string{">"} + kPassword, "~0", "+zadd", "+ping",
            "+select", "+client|setname"};
  }
  std::string file_with(std::string_view text, const std::string& name = "password") const {
    const std::string path = (folder_ / name).string();
    std::ofstream{path} << text;
    std::filesystem::permissions(path, std::filesystem::perms::owner_read);
    return path;
  }

  std::filesystem::path folder_;
};

TEST_F(RedisLoginTest, TheDocumentedRightsSuffice) {
  RedisServer server{RedisServer::Listen::unix_socket, only_writer_may()};
  server.start();
  RedisConfig config = config_for(server);
  config.username = "writer";
  config.password_file = file_with(std::string{kPassword} + "\n");
  config.address.database = 3;
  RedisStore store{config, 0};
  EXPECT_EQ(outcome_of(store, batch_of(store, 0, 10)).kind, Outcome::Kind::stored);
  const std::string clients = server.command({"CLIENT", "LIST"})[0];
  EXPECT_NE(clients.find("user=writer"), std::string::npos) << clients;
  EXPECT_NE(clients.find("name=valinor-afxdp:"), std::string::npos) << clients;
}

TEST_F(RedisLoginTest, TheUserOfTheUrlAndThePasswordOfTheEnvironment) {
  RedisServer server{RedisServer::Listen::loopback, only_writer_may()};
  server.start();
  ::setenv("VALINOR_REDIS_PASSWORD", kPassword, 1);
  RedisConfig config = config_for(server);
  config.address.user = "writer";
  RedisStore store{config, 0};
  EXPECT_EQ(outcome_of(store, batch_of(store, 0, 10)).kind, Outcome::Kind::stored);
}

TEST_F(RedisLoginTest, TheDefaultUsersPassword) {
  RedisServer server{RedisServer::Listen::unix_socket, {"--requirepass", kPassword}};
  server.start();
  RedisConfig config = config_for(server);
  config.password_file = file_with(kPassword);
  RedisStore store{config, 0};
  EXPECT_EQ(outcome_of(store, batch_of(store, 0, 10)).kind, Outcome::Kind::stored);
}

TEST_F(RedisLoginTest, AFileComesBeforeTheEnvironmentAndThatBeforeACredential) {
  RedisConfig config;
  EXPECT_FALSE(read_access(config).password);
  ::setenv("CREDENTIALS_DIRECTORY", folder_.c_str(), 1);
  EXPECT_FALSE(read_access(config).password);  // no such credential
  (void)file_with("of systemd\n", "redis-password");
  EXPECT_EQ(read_access(config).password, "of systemd");
  ::setenv("VALINOR_REDIS_PASSWORD", "of the environment", 1);
  EXPECT_EQ(read_access(config).password, "of the environment");
  config.password_file = file_with("of the file\r\n");
  EXPECT_EQ(read_access(config).password, "of the file");
}

TEST_F(RedisLoginTest, AFileThatHoldsNoPasswordIsAFailure) {
  RedisConfig config;
  config.password_file = (folder_ / "missing").string();
  EXPECT_NE(failure_of(config).find("ENOENT"), std::string::npos) << failure_of(config);
  const std::pair<std::string, const char*> cases[]{{"", "empty"},
                                                    {"\n", "empty"},
                                                    {"secret\nsecret\n", "more than one line"},
                                                    {std::string(5000, 's'), "4096"}};
  int number = 0;
  for (const auto& [text, why] : cases) {
    config.password_file = file_with(text, "file" + std::to_string(number++));
    EXPECT_NE(failure_of(config).find("REDIS-PASS-01"), std::string::npos);
    EXPECT_NE(failure_of(config).find(why), std::string::npos) << failure_of(config);
    EXPECT_EQ(failure_of(config).find("secret"), std::string::npos) << failure_of(config);
  }
}

/// Whoever repairs the ACL ends the trouble; nothing else has to be done.
TEST_F(RedisLoginTest, AWrongPasswordIsTroubleUntilItIsTheRightOne) {
  RedisServer server{RedisServer::Listen::unix_socket, only_writer_may()};
  server.start();
  RedisConfig config = config_for(server);
  config.username = "writer";
  config.password_file = file_with("an0ther-secret");
  RedisStore store{config, 0};
  const std::string trouble = trouble_of(store);
  EXPECT_TRUE(
      trouble.starts_with("refuses us: AUTH as 'writer' with the password of "
                          "export.redis.password_file: WRONGPASS"))
      << trouble;
  EXPECT_EQ(trouble.find("an0ther"), std::string::npos) << trouble;
  server.command({"ACL", "SETUSER", "writer", ">an0ther-secret"});
  EXPECT_EQ(outcome_of(store, batch_of(store, 0, 10)).kind, Outcome::Kind::stored);
  EXPECT_EQ(store.trouble(), "");
}

TEST_F(RedisLoginTest, ARightThatIsMissingRefusesUntilItIsGiven) {
  RedisServer server{RedisServer::Listen::unix_socket, only_writer_may()};
  server.start();
  RedisConfig config = config_for(server);
  config.username = "writer";
  config.password_file = file_with(kPassword);
  RedisStore store{config, 7};  // a key that is not the writer's
  const Batch batch = batch_of(store, 0, 10);
  const Outcome outcome = outcome_of(store, batch);
  EXPECT_EQ(outcome.kind, Outcome::Kind::refused);
  EXPECT_TRUE(outcome.reason.starts_with("NOPERM")) << outcome.reason;
  server.command({"ACL", "SETUSER", "writer", "~7"});
  EXPECT_EQ(outcome_of(store, batch).kind, Outcome::Kind::stored);
}

TEST_F(RedisLoginTest, WithoutAPasswordTheTroubleSaysWhatToGive) {
  RedisServer server{RedisServer::Listen::unix_socket, {"--requirepass", kPassword}};
  server.start();
  RedisStore store{config_for(server), 0};
  const std::string trouble = trouble_of(store);
  EXPECT_NE(trouble.find("NOAUTH"), std::string::npos) << trouble;
  EXPECT_NE(trouble.find("password_file"), std::string::npos) << trouble;
}

/// Names are shown in messages, a password never.
TEST_F(RedisLoginTest, TheNameOfAStoreHasNoPassword) {
  ::setenv("VALINOR_REDIS_PASSWORD", kPassword, 1);
  RedisConfig config;
  config.address.user = "writer";
  EXPECT_EQ(RedisStore(config, 0).name(), "redis redis://writer@127.0.0.1:6379/0");
}

}  // namespace
}  // namespace valinor::exporter
