#include "exporter/batch_queue.hpp"

#include <algorithm>
#include <utility>

namespace valinor::exporter {

void BatchQueue::seal() {
  if (!has_open()) return;
  reserve_bytes_ = open_.rows.size();
  batches_.push_back(std::exchange(open_, Batch{}));
  open_.rows.reserve(reserve_bytes_);
}

Batch& BatchQueue::submit_next() { return batches_[in_flight_++]; }

void BatchQueue::insert_next(Batch batch) {
  if (batch.spilled == 0) {
    records_ += batch.records;
    bytes_ += batch.rows.size();
  }
  batches_.insert(batches_.begin() + static_cast<std::ptrdiff_t>(in_flight_), std::move(batch));
}

std::optional<Batch> BatchQueue::take_waiting() {
  const auto waiting = batches_.begin() + static_cast<std::ptrdiff_t>(in_flight_);
  const auto found =
      std::find_if(waiting, batches_.end(), [](const Batch& batch) { return batch.spilled == 0; });
  if (found == batches_.end()) return std::nullopt;
  Batch batch = std::move(*found);
  batches_.erase(found);
  records_ -= batch.records;
  bytes_ -= batch.rows.size();
  return batch;
}

Batch BatchQueue::settle_oldest() {
  Batch oldest = std::move(batches_.front());
  batches_.pop_front();
  --in_flight_;
  if (oldest.spilled == 0) {
    records_ -= oldest.records;
    bytes_ -= oldest.rows.size();
  }
  return oldest;
}

void BatchQueue::return_oldest() {
  const auto first = batches_.begin();
  std::rotate(first, first + 1, first + static_cast<std::ptrdiff_t>(in_flight_));
  --in_flight_;
}

void BatchQueue::return_oldest_as_new() {
  batches_.front().maybe_stored = false;
  batches_.front().id = {};
  return_oldest();
}

void BatchQueue::return_all() {
  for (; in_flight_ != 0; --in_flight_) batches_[in_flight_ - 1].maybe_stored = true;
}

void BatchQueue::clear() noexcept {
  open_ = Batch{};
  batches_.clear();
  in_flight_ = records_ = bytes_ = 0;
}

}  // namespace valinor::exporter
