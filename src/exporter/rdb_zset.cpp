#include "exporter/rdb_zset.hpp"

#include <algorithm>
#include <bit>
#include <cstring>
#include <span>
#include <string_view>
#include <utility>

#include "exporter/crc64.hpp"
#include "exporter/resp.hpp"

namespace valinor::exporter {
namespace {

constexpr char kTypeZset2 = 5;
/// Redis 5 and later read it.
constexpr char kRdbVersion = 9;
constexpr char kCount64 = '\x81';  // a count of 8 bytes, most significant first, follows

constexpr std::size_t kHeadBytes = 1 + 1 + 8;
constexpr std::size_t kTailBytes = 2 + 8;
constexpr std::size_t kMemberBytes = 2 * kValinorRowBytes;
/// A string's length of 14 bits stands in two bytes: 01, then the length.
constexpr std::string_view kMemberLength{"\x40\x44"};
static_assert(kMemberBytes == 0x44);
constexpr std::size_t kElementBytes = kMemberLength.size() + kMemberBytes + sizeof(double);

constexpr std::size_t kElementsOfAPiece = (std::size_t{1} << 20) / kElementBytes - 1;

std::uint64_t timestamp_of_row(const ValinorRow& row) noexcept {
  std::uint64_t value = 0;
  std::memcpy(&value, row.data(), sizeof value);
  return __builtin_bswap64(value);
}

char* put_element(char* out, const ValinorRow& row) noexcept {
  out = std::copy(kMemberLength.begin(), kMemberLength.end(), out);
  out = resp::put_hex(out, row);
  // As strtod() makes it of the timestamp's digits: the nearest double.
  const auto score = static_cast<double>(timestamp_of_row(row));
  static_assert(std::endian::native == std::endian::little);
  std::memcpy(out, &score, sizeof score);
  return out + sizeof score;
}

void append_number(std::string& out, std::uint64_t number, std::size_t bytes) {
  for (std::size_t i = 0; i < bytes; ++i) {  // least significant first
    out.push_back(static_cast<char>(number >> (8 * i) & 0xFF));
  }
}

}  // namespace

RdbZset::RdbZset(std::vector<ValinorRow> rows) : rows_{std::move(rows)} {
  // A timestamp of the same order as its score stands first, so this is Redis' order.
  if (!std::ranges::is_sorted(rows_)) std::ranges::sort(rows_);
  const auto twice = std::ranges::unique(rows_);
  duplicates_ = twice.size();
  rows_.erase(twice.begin(), twice.end());
  left_ = rows_.size();
}

std::uint64_t RdbZset::payload_bytes() const noexcept {
  return kHeadBytes + rows_.size() * kElementBytes + kTailBytes;
}

bool RdbZset::append_piece(std::string& out) {
  const std::size_t begin = out.size();
  if (!begun_) {
    out.append({kTypeZset2, kCount64});
    const std::uint64_t count = __builtin_bswap64(rows_.size());
    append_number(out, count, sizeof count);
    begun_ = true;
  }
  const std::size_t elements = std::min(left_, kElementsOfAPiece);
  const std::size_t at = out.size();
  out.resize(at + elements * kElementBytes);
  char* to = out.data() + at;
  for (std::size_t i = 0; i < elements; ++i) to = put_element(to, rows_[--left_]);
  const bool last = left_ == 0;
  if (last) append_number(out, kRdbVersion, 2);
  crc_ = crc64::add(crc_, std::as_bytes(std::span{out}).subspan(begin));
  if (last) append_number(out, crc_, sizeof crc_);
  return !last;
}

}  // namespace valinor::exporter
