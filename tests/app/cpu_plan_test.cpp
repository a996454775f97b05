#include "app/cpu_plan.hpp"

#include <gtest/gtest.h>

#include <initializer_list>

#include "base/thread.hpp"

namespace valinor::app {
namespace {

/// -1: not pinned.
using Cpus = std::vector<std::vector<int>>;

std::vector<CpuId> ids(std::initializer_list<std::uint32_t> numbers) {
  std::vector<CpuId> cpus;
  for (const std::uint32_t number : numbers) cpus.emplace_back(number);
  return cpus;
}

/// CPUs 0 to `cores` - 1 are the first hardware threads of as many cores, the next `cores` the
/// second ones, as Linux numbers them on PCs.
std::vector<HostCpu> host(std::uint32_t cores, std::uint32_t threads) {
  std::vector<HostCpu> cpus;
  for (std::uint32_t i = 0; i < cores * threads; ++i) cpus.push_back({CpuId{i}, CpuId{i % cores}});
  return cpus;
}

Cpus plan(const std::vector<WorkerGroup>& groups, const std::vector<HostCpu>& on) {
  Cpus numbers;
  for (const auto& list : plan_cpus(groups, on)) {
    numbers.emplace_back();
    for (const auto& cpu : list) {
      numbers.back().push_back(cpu ? static_cast<int>(cpu->value()) : -1);
    }
  }
  return numbers;
}

TEST(CpuPlan, WorkersOfAllInterfacesGetACpuEach) {
  EXPECT_EQ(plan({{2, {}, {}}, {2, {}, {}}}, host(8, 1)), (Cpus{{0, 1}, {2, 3}}));
}

TEST(CpuPlan, OneCpuIsLeftForTheExporterOrNobodyIsPinned) {
  EXPECT_EQ(plan({{2, {}, {}}, {1, {}, {}}}, host(4, 1)), (Cpus{{0, 1}, {2}}));
  EXPECT_EQ(plan({{2, {}, {}}, {1, {}, {}}}, host(3, 1)), (Cpus{{-1, -1}, {-1}}));
  EXPECT_EQ(plan({{1, {}, {}}}, host(1, 1)), (Cpus{{-1}}));
}

TEST(CpuPlan, CpusOfTheNicsNodeComeFirst) {
  EXPECT_EQ(plan({{2, {}, ids({4, 5, 6, 7})}}, host(8, 1)), (Cpus{{4, 5}}));
  // Too few there: the rest of the workers go elsewhere.
  EXPECT_EQ(plan({{3, {}, ids({6, 7})}}, host(8, 1)), (Cpus{{6, 7, 0}}));
}

TEST(CpuPlan, AnInterfaceWithoutANodeLeavesNearCpusToThoseThatHaveOne) {
  EXPECT_EQ(plan({{2, {}, {}}, {2, {}, ids({0, 1})}}, host(8, 1)), (Cpus{{2, 3}, {0, 1}}));
}

TEST(CpuPlan, TwoNicsOfOneNodeShareNoCpu) {
  const auto near = ids({0, 1, 2, 3});
  EXPECT_EQ(plan({{2, {}, near}, {3, {}, near}}, host(8, 1)), (Cpus{{0, 1}, {2, 3, 4}}));
}

TEST(CpuPlan, SecondThreadsOfACoreAreForWhenNoWholeCoreIsFree) {
  EXPECT_EQ(plan({{3, {}, {}}, {2, {}, {}}}, host(4, 2)), (Cpus{{0, 1, 2}, {3, 4}}));
  // The other numbering: CPUs 0 and 1 are one core.
  const std::vector<HostCpu> pairs{
      {CpuId{0}, CpuId{0}}, {CpuId{1}, CpuId{0}}, {CpuId{2}, CpuId{2}}, {CpuId{3}, CpuId{2}}};
  EXPECT_EQ(plan({{3, {}, {}}}, pairs), (Cpus{{0, 2, 1}}));
  // A thread near the NIC before a whole core far from it.
  EXPECT_EQ(plan({{2, {}, ids({2, 3})}}, pairs), (Cpus{{2, 3}}));
}

TEST(CpuPlan, ConfiguredCpusAreUsedInTurnAndNobodyElseGetsThem) {
  EXPECT_EQ(plan({{2, {}, {}}, {3, ids({1, 0}), {}}}, host(8, 1)), (Cpus{{2, 3}, {1, 0, 1}}));
  EXPECT_EQ(plan({{4, ids({0}), {}}}, host(1, 1)), (Cpus{{0, 0, 0, 0}}));
  // Their cores are busy as well.
  EXPECT_EQ(plan({{1, {}, {}}, {1, ids({0}), {}}}, host(2, 2)), (Cpus{{1}, {0}}));
  // What they leave is not enough: the others are not pinned.
  EXPECT_EQ(plan({{2, {}, {}}, {2, ids({0, 1}), {}}}, host(4, 1)), (Cpus{{-1, -1}, {0, 1}}));
}

TEST(CpuPlan, HostCpusAreThoseThatTheProcessMayRunOn) {
  const auto cpus = read_host_cpus();
  const auto allowed = allowed_cpus();
  ASSERT_EQ(cpus.size(), allowed.size());
  for (std::size_t i = 0; i < cpus.size(); ++i) {
    EXPECT_EQ(cpus[i].id, allowed[i]);
    EXPECT_LE(cpus[i].core, cpus[i].id);
  }
}

}  // namespace
}  // namespace valinor::app
