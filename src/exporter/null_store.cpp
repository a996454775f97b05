#include "exporter/null_store.hpp"

namespace valinor::exporter {

void NullStore::submit(const Batch&) { unanswered_ = true; }

std::optional<Outcome> NullStore::poll(std::chrono::microseconds) {
  if (!unanswered_) return std::nullopt;
  unanswered_ = false;
  return Outcome{};
}

}  // namespace valinor::exporter
