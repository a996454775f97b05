// Files that no text editor would have written, and YAML that configuration has no use for.

#include <sys/stat.h>

#include <chrono>
#include <cstdio>
#include <fstream>
#include <string>

#include "app/config_texts.hpp"

namespace valinor::app {
namespace {

std::string repeat(std::string_view text, std::size_t times) {
  std::string out;
  for (std::size_t i = 0; i < times; ++i) out.append(text);
  return out;
}

/// The codes of the problems, in order.
std::string codes_of(std::string_view text) {
  const LoadResult loaded = load_config_text(text, "t.yaml");
  std::string codes;
  if (loaded) return codes;
  for (const ConfigProblem& problem : loaded.error()) {
    codes.append(codes.empty() ? "" : " ").append(problem.code);
  }
  return codes;
}

std::string problems_of_file(const std::string& path) {
  const LoadResult loaded = load_config({{path}, {}});
  return loaded ? std::string{} : to_text(loaded.error());
}

TEST(YamlFile, ThatCannotBeRead) {
  EXPECT_EQ(
      problems_of_file("/nonexistent/nic.yaml"),
      "error[CFG-FILE-01]: /nonexistent/nic.yaml: cannot read this file (ENOENT: No such file "
      "or directory)\n"
      "  next: ls -l '/nonexistent'    shows what is there\n");
  EXPECT_EQ(problems_of_file("/tmp"),
            "error[CFG-FILE-01]: /tmp: cannot read this file (EISDIR: Is a directory)\n"
            "  next: ls -l '/tmp'    shows the files in it\n");
}

TEST(YamlFile, EndlessOrSilentOnesAreRefused) {
  EXPECT_EQ(problems_of_file("/dev/zero"),
            "error[CFG-FILE-02]: /dev/zero: larger than 1 MiB, which no configuration is\n");
  const std::string fifo = ::testing::TempDir() + "valinor_yaml_fifo";
  std::remove(fifo.c_str());
  ASSERT_EQ(::mkfifo(fifo.c_str(), 0600), 0);
  EXPECT_NE(problems_of_file(fifo).find("CFG-FILE-04"), std::string::npos);
  std::remove(fifo.c_str());
}

TEST(YamlText, EmptyInEveryWay) {
  for (const char* text :
       {"", "\n\n", "# nothing\n", "---\n", "\xef\xbb\xbf", "~\n", "--- \n...\n"}) {
    EXPECT_EQ(codes_of(text), "CFG-FILE-04") << text;
  }
  EXPECT_EQ(problems_of(""),
            "error[CFG-FILE-04]: t.yaml: the file is empty, or all of it is "
            "comments\n");
}

TEST(YamlText, ByteOrderMarkAndWindowsLineEndsAreFine) {
  EXPECT_EQ(config_of("\xef\xbb\xbfversion: 1\r\nrun:\r\n  key: 5\r\ninterfaces:\r\n- name: a\r\n")
                .exporter.key,
            5U);
  EXPECT_EQ(problems_of("\xef\xbb\xbfversion: x\r\ninterfaces: [{name: a}]\r\n"),
            "error[CFG-VALUE-01]: t.yaml:1:10: version wants 1, got 'x'\n"
            "    1 | version: x\n"
            "      |          ^\n");
}

TEST(YamlText, BytesThatAreNoText) {
  using namespace std::string_literals;
  EXPECT_EQ(
      problems_of("version: 1\nrun: {name: \"a\0b\"}\n"s),
      "error[CFG-FILE-03]: t.yaml:2:15: control character 0x00; the file must be UTF-8 text\n");
  EXPECT_EQ(problems_of("version: 1\nrun: {name: \xe4}\n"),
            "error[CFG-FILE-03]: t.yaml:2:13: not UTF-8: byte 0xe4; the file must be UTF-8 text\n");
  for (const std::string& text :
       {"\xc0\xaf"s, "\xed\xa0\x80"s, "\xf5\x80\x80\x80"s, "\xe2\x82"s, "\xff\xfev\0"s, "a\rb"s,
        "\x1b[2J"s, "\xc2\x9b"s, "\x7f"s, "\xf0\x80\x80\x80"s, "\xf4\x90\x80\x80"s}) {
    EXPECT_EQ(codes_of(text), "CFG-FILE-03");
  }
}

TEST(YamlText, EscapesDoNotReachTheTerminal) {
  const std::string text = problems_of(with_interface("role: \"\\e[2J\"\n\"\\e\\x9b\": 1\n"));
  EXPECT_EQ(text.find('\x1b'), std::string::npos);
  EXPECT_NE(text.find(R"(got '\x1b[2J')"), std::string::npos) << text;
  EXPECT_NE(text.find(R"(unknown key '\x1b\x9b')"), std::string::npos) << text;
}

TEST(YamlText, LargerThanOneMebibyte) {
  EXPECT_EQ(codes_of(with_interface("") + std::string(std::size_t{1} << 20, '#')), "CFG-FILE-02");
}

TEST(YamlTree, SyntaxErrorsSayWhere) {
  EXPECT_EQ(problems_of("version: 1\nrun: {key: 1\nrole: collect\n"),
            R"(error[CFG-YAML-01]: t.yaml:3:5: not YAML: end of map flow not found
    3 | role: collect
      |     ^
)");
  EXPECT_EQ(problems_of("version: 1\n\trun: x\n"),
            "error[CFG-YAML-01]: t.yaml:2:1: not YAML: illegal tab when looking for indentation\n"
            "    2 | \trun: x\n"
            "      | ^\n");
}

TEST(YamlTree, AliasesMergeKeysTagsAndSecondDocumentsAreRefused) {
  EXPECT_EQ(problems_of("version: 1\nrun: &a {key: 1}\n"),
            R"(error[CFG-YAML-03]: t.yaml:2:6: anchors and aliases are not read; write the value out
    2 | run: &a {key: 1}
      |      ^~
)");
  EXPECT_EQ(problems_of("version: 1\nrun: {<<: {key: 1}}\n"),
            R"(error[CFG-YAML-03]: t.yaml:2:7: merge keys (<<) are not read; write the values out
    2 | run: {<<: {key: 1}}
      |       ^~
)");
  EXPECT_EQ(codes_of("version: !!int 1\n"), "CFG-YAML-03");
  EXPECT_EQ(codes_of("version: 1\n---\nversion: 1\n"), "CFG-YAML-03");
  EXPECT_EQ(codes_of("version: 1\n]\n"), "CFG-YAML-01");
}

TEST(YamlTree, AliasBombIsRefusedAtItsFirstAnchor) {
  std::string text = "a: &a [x,x,x,x,x,x,x,x,x]\n";
  for (char name = 'b'; name < 'z'; ++name) {
    const auto before = static_cast<char>(name - 1);
    text.append({name, ':', ' ', '&', name, ' ', '['});
    for (int i = 0; i < 9; ++i) text.append({'*', before, ','});
    text.append("]\n");
  }
  EXPECT_EQ(codes_of(text), "CFG-YAML-03");
}

TEST(YamlTree, KeysThatAreNoWords) {
  EXPECT_EQ(codes_of("? [a]\n: b\n"), "CFG-YAML-01");
  EXPECT_EQ(codes_of("~: b\n"), "CFG-YAML-01");
  EXPECT_EQ(codes_of("just text\n"), "CFG-TYPE-01");
  EXPECT_EQ(codes_of(with_interface("run.key: 1\n")), "CFG-KEY-02") << "paths are for --set only";
  EXPECT_EQ(codes_of(with_interface("'interfaces[]': {name: b}\n'': 1\n")),
            "CFG-KEY-02 CFG-KEY-02");
}

/// Each would take minutes, or the stack, if yaml-cpp were let at it unguarded.
TEST(YamlTree, HostileFilesAreAnsweredSoon) {
  const std::size_t half = std::size_t{1} << 19;
  std::string deep_block;
  for (std::size_t depth = 0; depth < 900; ++depth) {
    deep_block.append(std::string(depth, ' ')).append("a:\n");
  }
  std::string many_keys;
  for (std::size_t i = 0; i < 60'000; ++i) many_keys.append("k" + std::to_string(i) + ": 0\n");
  const std::string hostile[] = {
      std::string(half, '['),
      std::string(half, '{'),
      repeat("[{", half / 2),
      repeat("- ", half / 2),
      repeat("? ", half / 2),
      repeat("a: ", half / 3),
      repeat("[],", half / 3),
      "telemetry: {match: {udp_dst_ports: [" + repeat("0,", half / 2) + "]}}",
      "run: {name: \"" + std::string(half, 'x') + "\"}",
      std::string(half, 'x') + ": 1",
      std::string(half, '"'),
      std::string(half, '\''),
      repeat("\n", half),
      repeat("&a ", half / 3),
      repeat("!a ", half / 3),
      repeat("---\n", half / 4),
      repeat("%YAML 1.2\n", half / 10),
      "run: |\n" + repeat("  x\n", half / 4),
      repeat(" ", half) + "a: b",
      deep_block,
      many_keys,
  };
  for (const std::string& text : hostile) {
    const auto start = std::chrono::steady_clock::now();
    EXPECT_NE(codes_of(text), "");
    const auto took = std::chrono::steady_clock::now() - start;
    EXPECT_LT(took, std::chrono::seconds{5}) << text.substr(0, 20);
  }
}

TEST(YamlTree, AtMostFiftyProblemsAreShown) {
  std::string text = with_interface("");
  for (int i = 0; i < 70; ++i) text.append("k" + std::to_string(i) + ": 0\n");
  const LoadResult loaded = load_config_text(text, "t.yaml");
  ASSERT_FALSE(loaded);
  ASSERT_EQ(loaded.error().size(), 51U);
  EXPECT_EQ(loaded.error().back().to_text(),
            "error[CFG-MORE-01]: 20 more problems are not shown\n");
}

}  // namespace
}  // namespace valinor::app
