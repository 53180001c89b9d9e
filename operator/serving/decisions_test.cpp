#include "serving/decisions.h"

#include <gtest/gtest.h>

#include "serving/drift_status.h"

namespace reprise::serving {
namespace {

struct DecisionsTest : testing::Test {
  api::ModelDeployment deployment;
  api::ModelDeploymentStatus status;
  std::vector<api::EventDraft> events;
  Time now{Milliseconds{1'700'000'000'000}};

  // A second after the one before. `seen`: seconds before now that its data was first seen.
  void add(const std::string& action, const std::string& to = {}, int seen = 0) {
    now += std::chrono::seconds(1);
    Snapshot snapshot;
    snapshot.deployment = std::make_shared<const api::ModelDeployment>(deployment);
    snapshot.now = now;
    api::DecisionRecord record;
    record.action = action;
    record.to = to;
    if (seen > 0) record.driftSeen = now - std::chrono::seconds(seen);
    decided(snapshot, status, std::move(record), events);
  }
  std::int64_t ms(int secondsAgo) const {
    return (now - std::chrono::seconds(secondsAgo)).time_since_epoch().count();
  }
};

TEST_F(DecisionsTest, TheOldestAreForgotten) {
  for (std::size_t i = 0; i < kMaxDecisions + 5; ++i) add("Hold");
  EXPECT_EQ(status.decisions.size(), kMaxDecisions);
  EXPECT_EQ(status.decisions.front().id, 6);
}

TEST_F(DecisionsTest, WhatCoolDownsAreCountedFromIsNotForgotten) {
  add("Retrain");
  add("Switch", "fuel-2");
  for (std::size_t i = 0; i < 3 * kMaxDecisions; ++i) add("Reject");
  const auto history = historyOf(status, "fuel-2", {}, {});
  EXPECT_EQ(status.decisions.size(), kMaxDecisions);
  ASSERT_TRUE(history.lastRetrainMs);
  EXPECT_EQ(*history.lastRetrainMs, ms(61));
  EXPECT_EQ(*history.lastActionMs, ms(60));
  add("Retrain");
  EXPECT_EQ(*historyOf(status, "fuel-2", {}, {}).lastRetrainMs, ms(0));
  for (std::size_t i = 0; i < kMaxDecisions; ++i) add("Reject");
  EXPECT_EQ(status.decisions.front().action, "Retrain");
  EXPECT_EQ(status.decisions[1].action, "Reject") << "an older one is of no use";
}

TEST_F(DecisionsTest, TheKindThatAVersionWasChosenForBeganWhenItWasSeen) {
  add("Deploy", "fuel-1");
  EXPECT_FALSE(historyOf(status, "fuel-1", {}, {}).changedMs);
  add("Switch", "fuel-2", 30);
  add("Hold");
  EXPECT_EQ(*historyOf(status, "fuel-2", {}, {}).changedMs, ms(31));
  add("Promote", "fuel-1");
  EXPECT_FALSE(historyOf(status, "fuel-1", {}, {}).changedMs);
  EXPECT_TRUE(historyOf(status, "fuel-2", {}, {}).changedMs);
}

}  // namespace
}  // namespace reprise::serving
