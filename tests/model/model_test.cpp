// The model test: see schedule.h. A failing seed is played again with
//   REPRISE_MODEL_SEED=<seed> model_test --gtest_filter='*EverySchedule*'
// REPRISE_MODEL_SCHEDULES says how many seeds are played (default below; 100,000 each night).
#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <thread>
#include <vector>

#include <gtest/gtest.h>
#include <spdlog/spdlog.h>

#include "model/schedule.h"

namespace reprise::model {
namespace {

std::uint64_t number(const char* variable, std::uint64_t otherwise) {
  const char* text = std::getenv(variable);
  return text && *text ? std::strtoull(text, nullptr, 10) : otherwise;
}

struct Quiet : testing::Environment {
  void SetUp() override {
    spdlog::set_level(spdlog::level::off);
  }  // refused writes are part of the play
};
const auto* const quiet = testing::AddGlobalTestEnvironment(new Quiet);

std::string replay(std::uint64_t seed, const Result& result) {
  return "replay: REPRISE_MODEL_SEED=" + std::to_string(seed) +
         " model_test --gtest_filter='*EverySchedule*'\n" + result.text();
}

TEST(Model, EveryScheduleEndsWhereTheSpecsAskAndStaysThere) {
  if (const auto seed = number("REPRISE_MODEL_SEED", 0)) {
    const Result result = playSchedule(seed, Mutant::None, true);
    EXPECT_TRUE(result.good()) << result.text(100'000);
    return;
  }
  const auto schedules = number("REPRISE_MODEL_SCHEDULES", 500);
  std::atomic<std::uint64_t> next = 1, failed = 0, crashes = 0, faults = 0, writes = 0;
  const auto play = [&] {
    for (std::uint64_t seed = next++; seed <= schedules && failed < 5; seed = next++) {
      const Result result = playSchedule(seed);
      crashes += result.crashes;
      faults += result.faults;
      writes += result.writes;
      if (result.good()) continue;
      ++failed;
      ADD_FAILURE() << replay(seed, result);
    }
  };
  {
    std::vector<std::jthread> players;
    for (unsigned i = 0; i < std::max(1U, std::thread::hardware_concurrency()); ++i)
      players.emplace_back(play);
  }
  std::printf("%llu schedules, %llu crashes, %llu faults of writes, %llu writes of the operator\n",
              static_cast<unsigned long long>(schedules), static_cast<unsigned long long>(crashes),
              static_cast<unsigned long long>(faults), static_cast<unsigned long long>(writes));
}

// The test of the test: with one safeguard off, a violation is found. Where to begin looking is
// known from the last time that one was found; a change of the operator may move it, and then it
// takes longer.
struct Without {
  Mutant mutant;
  std::uint64_t firstSeed;
  const char* name;
};
class WithoutASafeguard : public testing::TestWithParam<Without> {};

TEST_P(WithoutASafeguard, AViolationIsFound) {
  constexpr std::uint64_t most = 1500;
  for (std::uint64_t i = 0; i < most; ++i) {
    const std::uint64_t seed = GetParam().firstSeed + i;
    const Result result = playSchedule(seed, GetParam().mutant);
    if (result.good()) continue;
    std::printf("seed %llu: %s\n", static_cast<unsigned long long>(seed),
                result.violations.front().c_str());
    return;
  }
  FAIL() << "nothing was found in " << most << " schedules";
}

INSTANTIATE_TEST_SUITE_P(
    Model, WithoutASafeguard,
    testing::Values(Without{Mutant::NoReadYourWrites, 637, "ReadYourWrites"},
                    Without{Mutant::NoStatusPrecondition, 1342, "VersionOnTheStatus"},
                    Without{Mutant::NoUidPrecondition, 471, "UidPreconditions"},
                    Without{Mutant::NoWaitForSync, 1, "WaitingForEveryCache"},
                    Without{Mutant::StaleReread, 1154, "ReadingTheObjectAnew"}),
    [](const auto& one) { return one.param.name; });

}  // namespace
}  // namespace reprise::model
