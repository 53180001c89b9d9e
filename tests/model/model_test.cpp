// The model test: see schedule.h. A failing seed is played again with
//   REPRISE_MODEL_SEED=<seed> model_test --gtest_filter='*EverySchedule*'
// REPRISE_MODEL_SCHEDULES says how many seeds are played (default below; 100,000 each night).
#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <functional>
#include <mutex>
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

std::uint64_t schedules() { return number("REPRISE_MODEL_SCHEDULES", 500); }

// Plays seeds 1 … `most`, on all cores, until `enough` says so of one.
void playMany(std::uint64_t most, Mutant mutant,
              const std::function<bool(std::uint64_t seed, const Result&)>& enough) {
  std::atomic<std::uint64_t> next = 1;
  std::atomic<bool> ended = false;
  std::vector<std::jthread> players;
  for (unsigned i = 0; i < std::max(1U, std::thread::hardware_concurrency()); ++i) {
    players.emplace_back([&] {
      for (std::uint64_t seed = next++; seed <= most && !ended; seed = next++) {
        if (enough(seed, playSchedule(seed, mutant))) ended = true;
      }
    });
  }
}

TEST(Model, EveryScheduleEndsWhereTheSpecsAskAndStaysThere) {
  if (const auto seed = number("REPRISE_MODEL_SEED", 0)) {
    const Result result = playSchedule(seed, Mutant::None, true);
    EXPECT_TRUE(result.good()) << result.text(100'000);
    return;
  }
  std::atomic<std::uint64_t> played = 0, failed = 0, crashes = 0, faults = 0, writes = 0;
  playMany(schedules(), Mutant::None, [&](std::uint64_t seed, const Result& result) {
    ++played;
    crashes += result.crashes;
    faults += result.faults;
    writes += result.writes;
    if (result.good()) return false;
    ADD_FAILURE() << replay(seed, result);
    return ++failed >= 5;
  });
  std::printf("%llu schedules, %llu crashes, %llu faults of writes, %llu writes of the operator\n",
              static_cast<unsigned long long>(played), static_cast<unsigned long long>(crashes),
              static_cast<unsigned long long>(faults), static_cast<unsigned long long>(writes));
}

// The test of the test, each night: with one safeguard off, a violation is found. Some need
// thousands of schedules.
struct Without {
  Mutant mutant;
  const char* name;
};
class WithoutASafeguard : public testing::TestWithParam<Without> {};

TEST_P(WithoutASafeguard, AViolationIsFound) {
  std::mutex mutex;
  std::string found;
  playMany(schedules(), GetParam().mutant, [&](std::uint64_t seed, const Result& result) {
    if (result.good()) return false;
    const std::lock_guard lock(mutex);
    found = "seed " + std::to_string(seed) + ": " + result.violations.front();
    return true;
  });
  EXPECT_NE(found, "") << "nothing was found in " << schedules() << " schedules";
  std::printf("%s\n", found.c_str());
}

INSTANTIATE_TEST_SUITE_P(Model, WithoutASafeguard,
                         testing::Values(Without{Mutant::NoReadYourWrites, "ReadYourWrites"},
                                         Without{Mutant::NoStatusPrecondition,
                                                 "VersionOnTheStatus"},
                                         Without{Mutant::NoUidPrecondition, "UidPreconditions"},
                                         Without{Mutant::NoWaitForSync, "WaitingForEveryCache"},
                                         Without{Mutant::StaleReread, "ReadingTheObjectAnew"}),
                         [](const auto& one) { return one.param.name; });

}  // namespace
}  // namespace reprise::model
