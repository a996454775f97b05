/// Writes Redis commands in RESP, the protocol's own form: an array of byte strings, each with its
/// length in front. Text goes straight into the output buffer; printf and one string per argument
/// cost valinor-c ten times as much as this.
#pragma once

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <span>
#include <string>
#include <string_view>

namespace valinor::exporter::resp {

/// Appends one command: {"SELECT", "3"}.
void append_command(std::string& out, std::initializer_list<std::string_view> words);
void append_command(std::string& out, std::span<const std::string> words);

/// The same, with a last word in two parts.
void append_command(std::string& out, std::initializer_list<std::string_view> words,
                    std::string_view last_head, std::string_view last_rest);

/// Appends the beginning of a command: `words`, and that a word of `long_bytes` follows, which the
/// caller appends, with "\r\n" behind it, and then `words_behind` more words.
void begin_command(std::string& out, std::initializer_list<std::string_view> words,
                   std::uint64_t long_bytes, std::size_t words_behind);
void append_word(std::string& out, std::string_view word);

/// Writes the bytes as lower-case hex digits; answers where they end.
[[nodiscard]] char* put_hex(char* out, std::span<const std::byte> bytes) noexcept;

/// Appends "ZADD key score member ..." with a pair for each row of `rows`, which are ValinorRows
/// one behind the other: score is the timestamp less `zero` in decimal, which may be negative;
/// member the row in lower-case hex.
void append_zadd(std::string& out, std::string_view key, std::span<const std::byte> rows,
                 std::uint64_t zero = 0);

}  // namespace valinor::exporter::resp
