// Finds the node of a Redis Cluster that serves one key: by CLUSTER SLOTS, asked of any node, and
// by what nodes answer that do not serve it (Redis Cluster Specification, "Redirection and
// resharding").

#include <charconv>
#include <vector>

#include "exporter/cluster_slot.hpp"
#include "exporter/redis_locator.hpp"
#include "exporter/redis_question.hpp"

namespace valinor::exporter {
namespace {

class ClusterLocator final : public RedisLocator {
 public:
  ClusterLocator(const RedisConfig& config, const RedisAccess& access, std::string_view key)
      : slot_{cluster_slot(key)},
        configured_{config.endpoints},
        question_{config, access, {"CLUSTER", "SLOTS"}, RedisQuestion::Login::always} {
    configured_.insert(configured_.begin(), config.address);
    question_.set_servers(configured_);
  }

  Result<std::optional<RedisTarget>> advance() override {
    if (target_) return target_;
    auto answer = question_.advance();
    if (!answer) return tl::unexpected{std::move(answer.error())};
    if (!*answer) return std::nullopt;
    return read(*(*answer)->reply, (*answer)->from);
  }

  void forget() override { target_.reset(); }

  /// "MOVED 3999 10.0.0.2:6379": there from now on; "ASK 3999 10.0.0.2:6379": on its way there.
  bool redirects(std::string_view error) override {
    const bool asks = error.starts_with("ASK ");
    if (!asks && !error.starts_with("MOVED ")) return false;
    const std::string_view place = error.substr(error.rfind(' ') + 1);
    const std::size_t colon = place.rfind(':');
    if (!target_ || colon == std::string_view::npos) return false;
    const auto address = at(place.substr(0, colon), place.substr(colon + 1), target_->address);
    if (!address) return false;
    target_ = RedisTarget{*address, asks};
    return true;
  }

 private:
  /// `host` empty: that of the node which says so.
  [[nodiscard]] static std::optional<RedisAddress> at(std::string_view host, std::string_view port,
                                                      const RedisAddress& teller) {
    RedisAddress address = teller;
    if (!host.empty() && host != "?") address.host = host;
    address.socket_path.clear();
    const auto [end, error] = std::from_chars(port.data(), port.data() + port.size(), address.port);
    if (error != std::errc{} || end != port.data() + port.size() || address.host.empty()) {
      return std::nullopt;
    }
    return address;
  }

  /// Each element: first slot, last slot, then nodes, the master first: address, port, and more.
  [[nodiscard]] Result<std::optional<RedisTarget>> read(const redisReply& reply,
                                                        const RedisAddress& from) {
    if (reply.type != REDIS_REPLY_ARRAY) {
      return fail(std::errc::protocol_error, "CLUSTER SLOTS: " + std::string{to_text(reply)});
    }
    std::vector<RedisAddress> nodes;
    for (std::size_t i = 0; i < reply.elements; ++i) read_range(*reply.element[i], from, nodes);
    if (!target_) {
      return fail(std::errc::address_not_available,
                  "no node of the cluster serves slot " + std::to_string(slot_));
    }
    // Next time another one is asked first: this one may be behind. Those of the configuration stay
    // in any case.
    nodes.insert(nodes.end(), configured_.begin(), configured_.end());
    std::erase(nodes, from);
    nodes.push_back(from);
    question_.set_servers(std::move(nodes));
    return target_;
  }

  void read_range(const redisReply& range, const RedisAddress& from,
                  std::vector<RedisAddress>& nodes) {
    if (range.type != REDIS_REPLY_ARRAY || range.elements < 3) return;
    const bool ours = range.element[0]->integer <= slot_ && slot_ <= range.element[1]->integer;
    for (std::size_t i = 2; i < range.elements; ++i) {
      const redisReply& node = *range.element[i];
      if (node.type != REDIS_REPLY_ARRAY || node.elements < 2) continue;
      const std::string port = std::to_string(node.element[1]->integer);
      const auto address = at(to_text(*node.element[0]), port, from);
      if (!address) continue;
      if (ours && i == 2) target_ = RedisTarget{*address};
      nodes.push_back(*address);
    }
  }

  std::uint16_t slot_;
  std::vector<RedisAddress> configured_;
  RedisQuestion question_;
  std::optional<RedisTarget> target_;
};

}  // namespace

std::unique_ptr<RedisLocator> make_cluster_locator(const RedisConfig& config,
                                                   const RedisAccess& access,
                                                   std::string_view key) {
  return std::make_unique<ClusterLocator>(config, access, key);
}

}  // namespace valinor::exporter
