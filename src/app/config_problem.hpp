/// What is wrong with a configuration, in the form that users read:
///
///   error[CFG-KEY-02]: conf/nic.yaml:14:5: unknown key 'queus' in interfaces[0]
///      14 |     queus: [0, 1]
///         |     ^~~~~ did you mean 'queues'?
///
/// All problems of all files are collected before any is told. Lines are quoted with what may be a
/// password, in a URL or behind the word, starred out.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "app/yaml_source.hpp"

namespace valinor::app {

struct ConfigProblem {
  std::string code;     // "CFG-KEY-02": stable
  std::string where;    // "conf/nic.yaml:14:5", "--set"
  std::string message;  // one line
  std::string excerpt;  // the quoted line and its caret; may be empty
  std::string next;     // what to try; may be empty

  /// As printed, with a final newline.
  [[nodiscard]] std::string to_text() const;
};

/// Collects problems. Beyond kMaxProblems they are counted, not kept.
class Problems {
 public:
  static constexpr std::size_t kMaxProblems = 50;

  /// `hint` stands behind the caret, without one behind the message.
  void add(std::string_view code, const Source& source, Place place, std::string message,
           const std::string& hint = {}, std::string next = {});

  [[nodiscard]] bool empty() const noexcept { return problems_.empty(); }

  /// Further problems are counted only: no use in working on their hints.
  [[nodiscard]] bool full() const noexcept { return problems_.size() >= kMaxProblems; }

  /// All of them, by source in the order of their first problem, then by line. Ends the collection.
  [[nodiscard]] std::vector<ConfigProblem> take();

 private:
  struct Entry {
    std::size_t source;
    Place place;
    ConfigProblem problem;
  };
  std::vector<Entry> problems_;
  std::vector<const Source*> sources_;
  std::size_t left_out_ = 0;
};

/// 'text' between quotes for a message: control characters as \xNN, the middle of a long one cut.
[[nodiscard]] std::string in_quotes(std::string_view text);

}  // namespace valinor::app
