#include "exporter/resp.hpp"

#include <array>
#include <cstdint>
#include <cstring>

#include "exporter/valinor_entry.hpp"

namespace valinor::exporter::resp {
namespace {

/// Two characters for each of `Count` numbers, in the given base.
template <std::size_t Count, std::size_t Base>
consteval std::array<char, 2 * Count> make_pairs() {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::array<char, 2 * Count> pairs{};
  for (std::size_t i = 0; i < Count; ++i) {
    pairs[2 * i] = kDigits[i / Base];
    pairs[2 * i + 1] = kDigits[i % Base];
  }
  return pairs;
}
constexpr auto kHexPairs = make_pairs<256, 16>();
constexpr auto kDecimalPairs = make_pairs<100, 10>();

constexpr std::size_t kMaxDigits = 20;  // of a 64-bit number
constexpr std::size_t kMemberChars = 2 * kValinorRowBytes;
constexpr std::string_view kMemberLength = "\r\n$68\r\n";
static_assert(kMemberChars == 68);

/// "$20\r\n-1700000000000000000\r\n$68\r\n<68 hex digits>\r\n" at most.
constexpr std::size_t kMaxPairBytes = 5 + 1 + kMaxDigits + kMemberLength.size() + kMemberChars + 2;

/// A number's decimal digits, at the end of a buffer.
struct Decimal {
  explicit Decimal(std::uint64_t value) noexcept {
    for (; value >= 100; value /= 100) {
      first -= 2;
      std::memcpy(digits.data() + first, &kDecimalPairs[2 * (value % 100)], 2);
    }
    if (value >= 10) {
      first -= 2;
      std::memcpy(digits.data() + first, &kDecimalPairs[2 * value], 2);
    } else {
      digits[--first] = static_cast<char>('0' + value);
    }
  }
  [[nodiscard]] std::string_view text() const noexcept {
    return {digits.data() + first, kMaxDigits - first};
  }
  std::array<char, kMaxDigits> digits;
  std::size_t first = kMaxDigits;
};

char* put(char* out, std::string_view text) noexcept {
  std::memcpy(out, text.data(), text.size());
  return out + text.size();
}

char* put_pair(char* out, const std::byte* row, std::uint64_t zero) noexcept {
  const std::uint64_t time = timestamp_of(row);
  const bool is_negative = time < zero;
  const Decimal score{is_negative ? zero - time : time - zero};
  const std::size_t length = score.text().size() + (is_negative ? 1 : 0);
  *out++ = '$';
  if (length >= 10) *out++ = static_cast<char>('0' + length / 10);
  *out++ = static_cast<char>('0' + length % 10);
  out = put(out, "\r\n");
  if (is_negative) *out++ = '-';
  out = put(out, score.text());
  out = put(out, kMemberLength);
  out = put_hex(out, {row, kValinorRowBytes});
  return put(out, "\r\n");
}

void append_array_head(std::string& out, std::size_t words) {
  out.append("*").append(Decimal{words}.text()).append("\r\n");
}

}  // namespace

char* put_hex(char* out, std::span<const std::byte> bytes) noexcept {
  for (const std::byte byte : bytes) {
    std::memcpy(out, &kHexPairs[2 * std::to_integer<std::size_t>(byte)], 2);
    out += 2;
  }
  return out;
}

void append_word(std::string& out, std::string_view word) {
  out.append("$").append(Decimal{word.size()}.text()).append("\r\n");
  out.append(word).append("\r\n");
}

void begin_command(std::string& out, std::initializer_list<std::string_view> words,
                   std::uint64_t long_bytes, std::size_t words_behind) {
  append_array_head(out, words.size() + 1 + words_behind);
  for (const std::string_view word : words) append_word(out, word);
  out.append("$").append(Decimal{long_bytes}.text()).append("\r\n");
}

void append_command(std::string& out, std::initializer_list<std::string_view> words) {
  append_array_head(out, words.size());
  for (const std::string_view word : words) append_word(out, word);
}

void append_command(std::string& out, std::span<const std::string> words) {
  append_array_head(out, words.size());
  for (const std::string& word : words) append_word(out, word);
}

void append_command(std::string& out, std::initializer_list<std::string_view> words,
                    std::string_view last_head, std::string_view last_rest) {
  begin_command(out, words, last_head.size() + last_rest.size(), 0);
  out.append(last_head).append(last_rest).append("\r\n");
}

void append_zadd(std::string& out, std::string_view key, std::span<const std::byte> rows,
                 std::uint64_t zero) {
  const std::size_t count = rows.size() / kValinorRowBytes;
  append_array_head(out, 2 + 2 * count);
  append_word(out, "ZADD");
  append_word(out, key);

  // Room for the longest form first, so that the loop writes without asking.
  const std::size_t begin = out.size();
  out.resize(begin + count * kMaxPairBytes);
  char* end = out.data() + begin;
  for (std::size_t i = 0; i < count; ++i) end = put_pair(end, &rows[i * kValinorRowBytes], zero);
  out.resize(static_cast<std::size_t>(end - out.data()));
}

}  // namespace valinor::exporter::resp
