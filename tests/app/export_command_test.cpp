#include <gtest/gtest.h>

#include <array>

#include "app/command_line.hpp"
#include "app/progress_bar.hpp"

namespace valinor::app {
namespace {

template <class... Words>
tl::expected<CommandLine, CommandLineAnswer> parse_export(Words... words) {
  const std::array<std::string_view, sizeof...(Words) + 1> all{"export", words...};
  return parse_command_line(all);
}

TEST(ExportCommandLine, TakesFormsWithAServerAndFiles) {
  const auto line =
      parse_export("--from", "stream@redis://a/1", "--to", "zset", "-k", "7", "--overwrite");
  ASSERT_TRUE(line) << line.error().text;
  const auto& command = std::get<ExportCommand>(line->command);
  EXPECT_EQ(command.from.kind, ExportEnd::Kind::stream);
  EXPECT_EQ(command.from.server->to_url(), "redis://a:6379/1");
  EXPECT_EQ(command.to.kind, ExportEnd::Kind::zset);
  EXPECT_FALSE(command.to.server);
  EXPECT_TRUE(command.overwrite);
  ASSERT_EQ(line->config.overrides.size(), 1u);
  EXPECT_EQ(line->config.overrides[0].path, "run.key");
  EXPECT_FALSE(line->config.interfaces_required);
}

TEST(ExportCommandLine, AFilesEndingIsItsKind) {
  using Kind = ExportEnd::Kind;
  for (const auto& [name, kind] : {std::pair{"a.npy", Kind::npy},
                                   {"zset.records", Kind::records},
                                   {"stream.csv", Kind::csv},
                                   {"a.npy.pcap", Kind::pcap}}) {
    const auto line = parse_export("--from", "some/folder", "--to", name);
    ASSERT_TRUE(line) << line.error().text;
    const auto& command = std::get<ExportCommand>(line->command);
    EXPECT_EQ(command.to.kind, kind);
    EXPECT_EQ(command.to.path, name);
    EXPECT_EQ(command.from.kind, Kind::any_file);
  }
}

TEST(ExportCommandLine, RefusesWhatItCannotWriteOrReach) {
  for (const char* target : {"a.xls", "zset@", "stream@http://x", "zset@redis://a:b@c", ""}) {
    const auto line = parse_export("--from", "zset", "--to", target);
    ASSERT_FALSE(line) << target;
    EXPECT_EQ(line.error().exit_status, ExitStatus::usage);
  }
  EXPECT_FALSE(parse_export("--from", "zset"));
  EXPECT_FALSE(parse_export("--from", "stream", "--to", "stream"));
}

TEST(ProgressBar, SaysHowFarHowFastAndHowLong) {
  EXPECT_EQ(to_bar("export", 0, 0, 0), "export  [------------------------]   0 %   0 records");
  EXPECT_EQ(to_bar("export", 0.25, 1'000'000, 2),
            "export  [######------------------]  25 %   1,000,000 records   500,000/s   6 s left");
  EXPECT_EQ(to_bar("export", 1.5, 4, 2),
            "export  [########################] 100 %   4 records   2/s   0 s left");
}

}  // namespace
}  // namespace valinor::app
