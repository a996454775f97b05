#include "doctor/report.hpp"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "doctor/list.hpp"
#include "healthy.hpp"

namespace valinor::doctor {
namespace {

Report sample() {
  return {{{"host", {ok("kernel", "6.1")}},
           {"eth7",
            {fail("xdp", "taken", "bpftool link detach id 7"),
             fixable(Level::warning, "offloads", "merges", "eth7",
                     nic::FeatureState{"rx-lro", false})}}}};
}

TEST(Report, SaysWhatIsWrongAndWhatMendsIt) {
  EXPECT_EQ(to_text(sample()),
            "host\n"
            " ok    kernel      6.1\n"
            "eth7\n"
            " FAIL  xdp         taken\n"
            "                   next: bpftool link detach id 7\n"
            " warn  offloads    merges\n"
            "                   fix : ethtool -K eth7 rx-lro off\n"
            "1 problem, 1 warning.  `doctor --fix` would run the command marked 'fix'; "
            "`doctor --undo` and a reboot put things back.\n");
}

TEST(Report, IsTheSameForPrograms) {
  const auto json = nlohmann::json::parse(to_json_text(sample()));
  EXPECT_EQ(json["problems"], 1);
  EXPECT_EQ(json["warnings"], 1);
  const auto& findings = json["sections"][1]["findings"];
  EXPECT_EQ(findings[0]["level"], "fail");
  EXPECT_EQ(findings[0]["command"], "bpftool link detach id 7");
  EXPECT_EQ(findings[0]["fixable"], false);
  EXPECT_EQ(findings[1]["fixable"], true);
}

TEST(List, HasARowForEachInterface) {
  const std::string table = to_table({healthy_nic()});
  EXPECT_NE(table.find("eth7  i40e    up     10000  2/2    0     1500  zerocopy  "
                       "native,redirect,zerocopy  none     -\n"),
            std::string::npos)
      << table;
  const auto json = nlohmann::json::parse(to_json_text(std::vector{healthy_nic()}));
  EXPECT_EQ(json[0]["best_mode"], "zerocopy");
  EXPECT_EQ(json[0]["numa_node"], 0);
  NicFacts unknown = healthy_nic();
  unknown.xdp.reset();
  unknown.speed.reset();
  const auto of_old_kernel = nlohmann::json::parse(to_json_text(std::vector{unknown}));
  EXPECT_TRUE(of_old_kernel[0]["best_mode"].is_null());
  EXPECT_TRUE(of_old_kernel[0]["speed_mbps"].is_null());
}

}  // namespace
}  // namespace valinor::doctor
