/// A store that keeps nothing and acknowledges everything: for runs whose records are not wanted.
#pragma once

#include "exporter/record_store.hpp"

namespace valinor::exporter {

class NullStore final : public RecordStore {
 public:
  [[nodiscard]] std::string name() const override { return "null"; }
  void encode(const telemetry::RecordView&, std::vector<std::byte>&) const override {}
  [[nodiscard]] bool ready() override { return true; }
  void hurry() override {}
  [[nodiscard]] std::string trouble() const override { return {}; }
  [[nodiscard]] std::size_t max_in_flight() const override { return 1; }
  void submit(const Batch& batch) override;
  [[nodiscard]] std::optional<Outcome> poll(std::chrono::microseconds patience) override;

 private:
  bool unanswered_ = false;
};

}  // namespace valinor::exporter
