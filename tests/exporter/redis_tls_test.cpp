/// TLS, against a real server with certificates of the test's own authority.
#include <fstream>

#include "exporter/exporter.hpp"
#include "exporter/make_store.hpp"
#include "redis_store_fixture.hpp"
#include "support/certificates.hpp"

namespace valinor::exporter {
namespace {

using std::chrono::milliseconds;
using valinor::test::Certificates;
using valinor::test::RedisServer;

class RedisTlsTest : public test::RedisStoreTest {
 protected:
  void SetUp() override {
    test::RedisStoreTest::SetUp();
    if (std::system("command -v openssl >/dev/null 2>&1") != 0) GTEST_SKIP() << "no openssl";
    certificates_ = std::make_unique<Certificates>();
    certificates_->issue("server", "DNS:redis.test,IP:127.0.0.1");
    certificates_->issue("client", "DNS:collector.test");
  }

  /// With TLS on port_; the test's own commands go through the UNIX socket.
  RedisServer& start_server(const std::string& clients = "no") {
    port_ = valinor::test::find_free_port();
    server_ = std::make_unique<RedisServer>(
        RedisServer::Listen::unix_socket,
        std::vector<std::string>{"--tls-port", std::to_string(port_), "--tls-cert-file",
                                 certificates_->cert("server"), "--tls-key-file",
                                 certificates_->key("server"), "--tls-ca-cert-file",
                                 certificates_->ca(), "--tls-auth-clients", clients});
    server_->start();
    return *server_;
  }

  RedisConfig tls_config(const std::string& host = "127.0.0.1") const {
    RedisConfig config;
    config.address.host = host;
    config.address.port = port_;
    config.address.tls = true;
    config.tls.ca = certificates_->ca();
    config.backoff_max = milliseconds{100};
    return config;
  }

  std::unique_ptr<Certificates> certificates_;
  std::unique_ptr<RedisServer> server_;
  std::uint16_t port_ = 0;
};

TEST_F(RedisTlsTest, StoresThroughTls) {
  const RedisServer& server = start_server();
  RedisStore store{tls_config(), 0};
  EXPECT_EQ(outcome_of(store, batch_of(store, 0, 1000)).kind, Outcome::Kind::stored);
  EXPECT_EQ(server.command({"ZCARD", "0"}), std::vector<std::string>{"1000"});
}

/// More than the socket takes at once, so that sending stops half-way and goes on; and answers come
/// while it does.
TEST_F(RedisTlsTest, AFullExporterThroughTls) {
  const RedisServer& server = start_server();
  ExporterConfig config;
  config.redis = tls_config();
  config.redis.batch_records = 65536;
  telemetry::RecordRing ring{1 << 24};
  Exporter exporter{config, make_store(config), {ring}};
  test::produce_all(ring, 0, 500'000);
  exporter.stop(test::soon());
  EXPECT_EQ(exporter.stats().stored.value(), 500'000u);
  EXPECT_TRUE(exporter.stats().balanced());
  EXPECT_EQ(server.command({"ZCARD", "0"}), std::vector<std::string>{"500000"});
}

TEST_F(RedisTlsTest, SurvivesAServerThatIsKilledAndComesBack) {
  RedisServer& server = start_server();
  RedisStore store{tls_config(), 0};
  EXPECT_EQ(outcome_of(store, batch_of(store, 0, 10)).kind, Outcome::Kind::stored);
  EXPECT_TRUE(store.ready());  // idle, though the server has sent session tickets
  server.crash();
  EXPECT_TRUE(test::eventually([&] { return !store.ready(); }));
  EXPECT_TRUE(store.trouble().starts_with("lost: ECONN")) << store.trouble();
  server.start();
  EXPECT_EQ(outcome_of(store, batch_of(store, 10, 10)).kind, Outcome::Kind::stored);
}

TEST_F(RedisTlsTest, ACertificateOfAnotherAuthorityIsNotTaken) {
  start_server();
  const Certificates others;
  RedisConfig config = tls_config();
  config.tls.ca = others.ca();
  RedisStore store{config, 0};
  EXPECT_NE(trouble_of(store).find("certificate verify failed"), std::string::npos)
      << store.trouble();
  config.tls.verify = false;
  RedisStore careless{config, 0};
  EXPECT_EQ(outcome_of(careless, batch_of(careless, 0, 1)).kind, Outcome::Kind::stored);
}

TEST_F(RedisTlsTest, WithoutACaTheSystemsAreAsked) {
  start_server();
  RedisConfig config = tls_config();
  config.tls.ca.clear();
  RedisStore store{config, 0};
  EXPECT_NE(trouble_of(store).find("certificate verify failed"), std::string::npos)
      << store.trouble();
}

TEST_F(RedisTlsTest, ACertificateForAnotherNameIsNotTaken) {
  start_server();
  RedisStore by_name{tls_config("localhost"), 0};
  EXPECT_NE(trouble_of(by_name).find("hostname mismatch"), std::string::npos) << by_name.trouble();

  RedisConfig config = tls_config();
  config.tls.server_name = "other.test";
  RedisStore by_server_name{config, 0};
  EXPECT_NE(trouble_of(by_server_name).find("hostname mismatch"), std::string::npos)
      << by_server_name.trouble();
  config.tls.server_name = "127.0.0.2";
  RedisStore by_address{config, 0};
  EXPECT_NE(trouble_of(by_address).find("IP address mismatch"), std::string::npos)
      << by_address.trouble();

  config = tls_config("localhost");
  config.tls.server_name = "redis.test";
  RedisStore store{config, 0};
  EXPECT_EQ(outcome_of(store, batch_of(store, 0, 1)).kind, Outcome::Kind::stored);
}

TEST_F(RedisTlsTest, AServerThatAsksForOurCertificate) {
  start_server("yes");
  RedisConfig config = tls_config();
  RedisStore nobody{config, 0};
  EXPECT_NE(trouble_of(nobody).find("alert certificate required"), std::string::npos)
      << nobody.trouble();
  config.tls.cert = certificates_->cert("client");
  config.tls.key = certificates_->key("client");
  RedisStore store{config, 0};
  EXPECT_EQ(outcome_of(store, batch_of(store, 0, 1)).kind, Outcome::Kind::stored);
}

TEST_F(RedisTlsTest, APortWithoutTls) {
  RedisServer server{RedisServer::Listen::loopback};
  server.start();
  port_ = server.address().port;
  RedisConfig config = tls_config();
  config.command_timeout = milliseconds{100};
  RedisStore store{config, 0};
  // Redis takes the handshake for the start of a command, and waits for its end.
  EXPECT_EQ(trouble_of(store),
            "cannot be reached: ETIMEDOUT (TLS handshake; does this port speak TLS?)");
}

TEST_F(RedisTlsTest, AServerThatIsSilentInTheHandshake) {
  RedisServer& server = start_server();
  RedisConfig config = tls_config();
  config.command_timeout = milliseconds{100};
  server.pause();
  RedisStore store{config, 0};
  EXPECT_TRUE(trouble_of(store).starts_with("cannot be reached: ETIMEDOUT (TLS handshake"));
  server.resume();
  EXPECT_EQ(outcome_of(store, batch_of(store, 0, 1)).kind, Outcome::Kind::stored);
}

/// Read once: a collector that has given up its rights must not need them for its second
/// connection.
TEST_F(RedisTlsTest, FilesThatAreGoneLaterAreNotMissed) {
  RedisServer& server = start_server("yes");
  RedisConfig config = tls_config();
  Certificates ours;  // its files go, its authority is not used
  const std::string folder = std::filesystem::path{ours.ca()}.parent_path().string();
  for (const auto& [from, to] : {std::pair{certificates_->ca(), folder + "/a"},
                                 std::pair{certificates_->cert("client"), folder + "/b"},
                                 std::pair{certificates_->key("client"), folder + "/c"}}) {
    std::filesystem::copy_file(from, to);
  }
  config.tls = {
      .ca = folder + "/a", .cert = folder + "/b", .key = folder + "/c", .server_name = {}};
  RedisStore store{config, 0};
  std::filesystem::remove_all(folder);
  EXPECT_EQ(outcome_of(store, batch_of(store, 0, 1)).kind, Outcome::Kind::stored);
  server.crash();
  server.start();
  EXPECT_TRUE(test::eventually([&] { return !store.ready(); }));
  EXPECT_EQ(outcome_of(store, batch_of(store, 1, 1)).kind, Outcome::Kind::stored);
}

TEST_F(RedisTlsTest, FilesThatAreOfNoUseAreAFailure) {
  const auto expect = [](const RedisTlsConfig& tls, const char* key, const char* why) {
    RedisConfig config;
    config.address.tls = true;
    config.tls = tls;
    const std::string text = failure_of(config);
    EXPECT_NE(text.find("REDIS-TLS-01"), std::string::npos) << text;
    EXPECT_NE(text.find(key), std::string::npos) << text;
    EXPECT_NE(text.find(why), std::string::npos) << text;
  };
  const std::string cert = certificates_->cert("client");
  RedisTlsConfig tls;
  tls.ca = "/nonexistent/ca.crt";
  expect(tls, "tls.ca", "ENOENT");
  tls.ca = certificates_->key("client");  // no certificate in there
  expect(tls, "tls.ca", "");
  tls.ca = certificates_->ca();
  tls.cert = "/nonexistent/a.crt";
  tls.key = certificates_->key("client");
  expect(tls, "tls.cert", "ENOENT");
  tls.cert = cert;
  tls.key = certificates_->key("server");
  expect(tls, "tls.key", "key values mismatch");
}

}  // namespace
}  // namespace valinor::exporter
