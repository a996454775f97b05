#include <gtest/gtest.h>

#include <array>

#include "app/command_line.hpp"

namespace valinor::app {
namespace {

template <class... Words>
tl::expected<CommandLine, CommandLineAnswer> parse(Words... words) {
  const std::array<std::string_view, sizeof...(Words)> all{words...};
  return parse_command_line(all);
}

TEST(DoctorCommandLine, TakesInterfacesAndOptions) {
  const auto line = parse("doctor", "eth0", "eth1", "--fix", "--json", "--bind-test");
  ASSERT_TRUE(line) << line.error().text;
  const auto& doctor = std::get<DoctorCommand>(line->command);
  EXPECT_EQ(doctor.interfaces, (std::vector<std::string>{"eth0", "eth1"}));
  EXPECT_TRUE(doctor.fix && doctor.json && doctor.bind_test);
  EXPECT_FALSE(doctor.undo);
}

TEST(DoctorCommandLine, NeedsNeitherInterfaceNorConfiguration) {
  EXPECT_TRUE(parse("doctor"));
  const auto with = parse("-c", "nic.yaml", "doctor");
  ASSERT_TRUE(with);
  EXPECT_EQ(with->config.files, std::vector<std::string>{"nic.yaml"});
}

TEST(DoctorCommandLine, FixAndUndoExcludeEachOther) {
  const auto line = parse("doctor", "--fix", "--undo");
  ASSERT_FALSE(line);
  EXPECT_EQ(line.error().exit_status, ExitStatus::usage);
}

TEST(ListCommandLine, ReadsNoConfiguration) {
  EXPECT_TRUE(std::get<ListCommand>(parse("list", "--json")->command).json);
  EXPECT_FALSE(parse("-c", "nic.yaml", "list"));
}

}  // namespace
}  // namespace valinor::app
