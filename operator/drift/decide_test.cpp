#include "drift/decide.h"

#include <random>

#include <gtest/gtest.h>

#include "drift/testing/decision.h"

namespace reprise::drift {
namespace {

using Action = Decision::Action;
using testing::kA;
using testing::kB;
using testing::kC;
using testing::Kind;
using testing::mixOf;
using testing::profileOf;
using testing::rowsOf;

// Windows of 50 rows in a second.
struct DecideTest : testing::DecisionTest {
  // Traffic of a kind; the last decision.
  Decision traffic(const Kind& kind, int count) {
    Decision out;
    for (int done = 0; done < count; done += 50) out = live(rowsOf(kind, 50, ++seed));
    return out;
  }
  Decision mixedTraffic(const Kind& a, const Kind& b, int ofA, int count) {
    Decision out;
    for (int done = 0; done < count; done += 50) out = live(mixOf(a, ofA, b, 50, ++seed));
    return out;
  }
};

TEST_F(DecideTest, WithoutAProfileOfTheServingVersionItHoldsAndSaysWhy) {
  candidates.push_back({"v1", nullptr, 0});
  const auto decision = traffic(kA, 400);
  EXPECT_EQ(decision.action, Action::Hold);
  EXPECT_EQ(decision.reason, "NoServingProfile");
  EXPECT_NE(decision.message.find("v1"), std::string::npos);
}

TEST_F(DecideTest, WithoutWindowsItHolds) {
  addVersion("v1", kA);
  EXPECT_EQ(ask().reason, "NoWindows");
  windows.push_back({"v0", 1, 2, profileOf(basis, rowsOf(kB, 500, 7))});
  EXPECT_EQ(ask().reason, "NoWindows") << "rows that another version answered do not count";
}

TEST_F(DecideTest, OneSourceIsNotDriftAtManySeeds) {
  int alarms = 0, actions = 0, looks = 0;
  for (unsigned run = 0; run < 40; ++run) {
    profiles.clear();
    candidates.clear();
    serve("v1");
    seed = 10'000 * (run + 1);
    addVersion("v1", kA);
    addVersion("v2", kB);
    for (int i = 0; i < 30; ++i) {
      const auto decision = traffic(kA, 50);
      history.learnedTolerance = decision.learnedTolerance;
      alarms += decision.drifted;
      actions += decision.action == Action::Switch || decision.action == Action::Retrain;
      ++looks;
    }
  }
  EXPECT_EQ(looks, 1200);
  EXPECT_EQ(actions, 0);
  EXPECT_LE(alarms, 4);
}

TEST_F(DecideTest, TheToleranceIsLearnedFromTheFirstWindowsThenTheDataIsClear) {
  addVersion("v1", kA);
  EXPECT_EQ(traffic(kA, 250).reason, "Learning");
  const auto decision = traffic(kA, 50);
  EXPECT_EQ(decision.action, Action::Clear);
  EXPECT_EQ(decision.reason, "NoDrift");
  EXPECT_EQ(decision.version, "v1");
  ASSERT_TRUE(decision.learnedTolerance);
  EXPECT_GE(*decision.learnedTolerance, policy.toleranceFloor);
  EXPECT_LE(*decision.learnedTolerance, policy.toleranceCap);
}

// Live rows are 70 that come back, beside a training of 70 others: hundreds of them say no more of
// their source than 70 do, so what the two sets differ by is the chance of small sets.
TEST_F(DecideTest, LiveRowsThatComeBackBesideASmallTrainingAreJudgedAsFew) {
  double z = 0;
  constexpr int kRuns = 40;
  for (unsigned run = 0; run < kRuns; ++run) {
    profiles.clear();
    candidates.clear();
    serve("v1");
    seed = 1000 * (run + 1);
    addVersion("v1", kA, 70);
    const auto pool = rowsOf(kA, 70, ++seed);
    std::mt19937 random(seed);
    Decision decision;
    for (int i = 0; i < 12; ++i) {
      std::vector<Row> rows;
      for (int k = 0; k < 50; ++k) rows.push_back(pool[random() % pool.size()]);
      decision = live(rows);
      history.learnedTolerance = decision.learnedTolerance;
      ASSERT_FALSE(decision.drifted);
    }
    z += decision.z / kRuns;
  }
  EXPECT_LT(z, 0.6) << "counted as 600 they are 1.2 away";
}

TEST_F(DecideTest, ABenignDifferenceFromTheTrainingDataIsLearnedAndIsNoDrift) {
  addVersion("v1", kA);
  const Kind alike{0.3, 0.3};
  int alarms = 0;
  for (int i = 0; i < 30; ++i) {
    const auto decision = traffic(alike, 50);
    history.learnedTolerance = decision.learnedTolerance;
    alarms += decision.drifted;
  }
  EXPECT_EQ(alarms, 0);
  EXPECT_GT(*history.learnedTolerance, policy.toleranceFloor);
}

TEST_F(DecideTest, ADriftIsSuspectedThenCollectedThenActedOn) {
  addVersion("v1", kA);
  traffic(kA, 400);
  EXPECT_EQ(traffic(kB, 50).reason, "Suspected");
  const auto start = now - 1000 + 1;
  const auto collecting = traffic(kB, 50);
  EXPECT_EQ(collecting.reason, "CollectingRows");
  EXPECT_TRUE(collecting.drifted);
  EXPECT_EQ(collecting.samples, 100) << "rows of before the alarm do not count";
  const auto decision = traffic(kB, 100);
  EXPECT_EQ(decision.action, Action::Retrain);
  EXPECT_EQ(decision.reason, "UnknownData");
  EXPECT_EQ(decision.samples, 200);
  EXPECT_EQ(decision.firstDriftedMs, start);
  EXPECT_GT(decision.score, 0.5);
}

TEST_F(DecideTest, ReturningDataSwitchesToTheVersionTrainedOnIt) {
  addVersion("v1", kA);
  addVersion("v2", kB);
  addVersion("v3", kC);
  serve("v2");
  traffic(kB, 200);
  const auto decision = traffic(kA, 200);
  EXPECT_EQ(decision.action, Action::Switch);
  EXPECT_EQ(decision.version, "v1");
  EXPECT_EQ(decision.reason, "KnownData");
  EXPECT_EQ(decision.nearest, "v1");
  EXPECT_GT(decision.margin, 0.5);
  EXPECT_NE(decision.message.find("v1"), std::string::npos);
}

// A version that has just been switched back to must lose its place again as soon: before its
// tolerance is learned, while it is learned (300 rows are the 6 windows), and after.
TEST_F(DecideTest, DataThatTurnsAgainSoonAfterTheReturnSwitchesAgain) {
  addVersion("v1", kA);
  addVersion("v2", kB);
  for (const int before : {50, 100, 300, 350, 500}) {
    serve("v2");
    traffic(kB, 300);
    ASSERT_EQ(traffic(kA, 200).version, "v1") << before;
    serve("v1");
    traffic(kA, before);
    EXPECT_EQ(traffic(kB, 150).reason, "CollectingRows") << before;
    const auto decision = traffic(kB, 50);
    EXPECT_EQ(decision.action, Action::Switch) << before << ": " << decision.message;
    EXPECT_EQ(decision.version, "v2") << before;
    EXPECT_EQ(decision.samples, policy.minSamples) << "rows of before the alarm do not count";
  }
}

TEST_F(DecideTest, TheRetrainCoolDownDoesNotHoldASwitchToKnownData) {
  addVersion("v1", kA);
  addVersion("v2", kB);
  history.lastRetrainMs = history.lastActionMs = now;
  traffic(kA, 400);
  const auto held = traffic(kB, 200);
  EXPECT_EQ(held.reason, "Cooldown") << "the short one, of any action";
  now = *history.lastActionMs + policy.cooldownMs;
  EXPECT_EQ(ask().action, Action::Switch) << "the long one is for trainings";
  EXPECT_EQ(ask().version, "v2");
}

TEST_F(DecideTest, UnknownDataRetrainsThoughOtherVersionsAreKept) {
  addVersion("v1", kA);
  addVersion("v2", kB);
  traffic(kA, 400);
  EXPECT_EQ(traffic(kC, 300).action, Action::Retrain);
}

TEST_F(DecideTest, ADriftThatBeganRightAfterTheDeploymentIsSeenWhileLearning) {
  addVersion("v1", kA);
  const auto decision = traffic(kB, 200);
  EXPECT_EQ(decision.action, Action::Retrain);
  EXPECT_FALSE(decision.learnedTolerance) << "nothing benign was seen";
}

TEST_F(DecideTest, ADifferenceThatWasLearnedAsBenignIsGivenUpWhereAnotherVersionFits) {
  addVersion("v1", kA);
  addVersion("v2", {0.7, 0.7});
  const auto decision = traffic({0.7, 0.7}, 400);
  EXPECT_EQ(decision.action, Action::Switch);
  EXPECT_EQ(decision.version, "v2");
}

TEST_F(DecideTest, CorrelationsThatTurnAreDrift) {
  addVersion("v1", {0, 0, 0.9});
  addVersion("v2", {0, 0, -0.9});
  traffic({0, 0, 0.9}, 400);
  const auto decision = traffic({0, 0, -0.9}, 300);
  EXPECT_EQ(decision.action, Action::Switch);
  EXPECT_EQ(decision.version, "v2");
}

TEST_F(DecideTest, ASmallShiftIsSeenInSeveralWindowsTogether) {
  addVersion("v1", kA, 1000);
  traffic(kA, 600);
  const Kind shifted{0.6, 0};
  EXPECT_FALSE(traffic(shifted, 50).drifted);
  EXPECT_TRUE(traffic(shifted, 550).drifted);
}

TEST_F(DecideTest, TheNewestOfSeveralVersionsOfTheKindIsTaken) {
  addVersion("v1", kA);
  addVersion("v2", kB);
  addVersion("v3", kA);
  serve("v2");
  traffic(kB, 200);
  const auto decision = traffic(kA, 200);
  EXPECT_EQ(decision.action, Action::Switch);
  EXPECT_EQ(decision.version, "v3");
  EXPECT_EQ(decision.second, "v2") << "of another kind than the nearest";
}

TEST_F(DecideTest, ARefusedVersionIsNotChosenAgain) {
  addVersion("v1", kA);
  addVersion("v2", kB);
  addVersion("v3", kA);
  serve("v2");
  history.refused = {"v3"};
  traffic(kB, 200);
  EXPECT_EQ(traffic(kA, 200).version, "v1");
  history.refused = {"v3", "v1"};
  EXPECT_EQ(ask().action, Action::Retrain);
}

TEST_F(DecideTest, AVersionTrainedOnSomeRowsOfTheKindBeforeStillMatches) {
  addVersion("v1", kA);
  auto rows = rowsOf(kB, 180, 7);
  const auto others = rowsOf(kA, 20, 8);
  rows.insert(rows.end(), others.begin(), others.end());
  addProfile("v2", rows);
  traffic(kA, 400);
  EXPECT_EQ(traffic(kB, 300).version, "v2");
  serve("v2");
  EXPECT_FALSE(traffic(kB, 600).drifted);
  EXPECT_EQ(traffic(kA, 300).version, "v1");
}

TEST_F(DecideTest, AMixOfKnownKindsWaitsUntilOneIsAlone) {
  addVersion("v1", kA);
  addVersion("v2", kB);
  traffic(kA, 400);
  const auto mixed = mixedTraffic(kA, kB, 25, 400);
  EXPECT_EQ(mixed.action, Action::Hold);
  EXPECT_EQ(mixed.reason, "MixedStream");
  const auto clean = traffic(kB, 250);
  EXPECT_EQ(clean.action, Action::Switch);
  EXPECT_EQ(clean.version, "v2");
}

TEST_F(DecideTest, KindsThatTakeTurnsWait) {
  addVersion("v1", kA);
  addVersion("v2", kB);
  traffic(kA, 400);
  Decision decision;
  for (int i = 0; i < 8; ++i) {
    traffic(kA, 50);
    decision = traffic(kB, 50);
    EXPECT_EQ(decision.action, Action::Hold);
  }
  EXPECT_EQ(decision.reason, "MixedStream");
}

TEST_F(DecideTest, DataThatMovesOnDuringTheAlarmIsMatchedByItsNewestRows) {
  addVersion("v1", kA);
  addVersion("v3", kC);
  traffic(kA, 400);
  traffic(kB, 150);
  const auto decision = traffic(kC, 200);
  EXPECT_EQ(decision.action, Action::Switch);
  EXPECT_EQ(decision.version, "v3");
  EXPECT_EQ(decision.samples, 200);
}

TEST_F(DecideTest, DataThatComesBackToTheServingKindIsClear) {
  addVersion("v1", kA);
  traffic(kA, 400);
  EXPECT_TRUE(traffic(kB, 100).drifted);
  const auto decision = traffic(kA, 250);
  EXPECT_EQ(decision.action, Action::Clear);
  EXPECT_FALSE(decision.drifted);
}

TEST_F(DecideTest, TwoKindsThatBothFitWaitForMoreRows) {
  addVersion("v1", kA);
  addVersion("v2", {3.7, 8}, 60);
  addVersion("v3", {4.3, 8}, 1000);
  addVersion("v4", {3.7, 8}, 1000);
  candidates.erase(candidates.begin() + 1);
  traffic(kA, 400);
  const auto decision = traffic({4, 8}, 200);
  EXPECT_EQ(decision.action, Action::Hold) << decision.message;
  EXPECT_EQ(decision.reason, "Ambiguous");
  EXPECT_NE(traffic({4, 8}, 800).reason, "Ambiguous") << "but not for ever";
}

TEST_F(DecideTest, CoolDownsHoldAnActionAndSayHowLong) {
  addVersion("v1", kA);
  traffic(kA, 400);
  history.lastRetrainMs = now;
  auto decision = traffic(kB, 300);
  EXPECT_EQ(decision.reason, "Cooldown");
  EXPECT_TRUE(decision.drifted);
  EXPECT_NE(decision.message.find("594 s"), std::string::npos) << decision.message;
  now += policy.retrainCooldownMs;
  EXPECT_EQ(ask().action, Action::Retrain);
  history.lastActionMs = now;
  EXPECT_EQ(ask().reason, "Cooldown");
}

TEST_F(DecideTest, SmallWindowsAreJoined) {
  addVersion("v1", kA);
  for (int i = 0; i < 100; ++i) live(rowsOf(kA, 4, ++seed));
  EXPECT_EQ(ask().reason, "NoDrift");
  for (int i = 0; i < 60; ++i) live(rowsOf(kB, 4, ++seed));
  EXPECT_EQ(ask().action, Action::Retrain);
}

TEST_F(DecideTest, VersionsThatCannotBeComparedAreNamed) {
  addVersion("v1", kA);
  candidates.push_back({"v2", nullptr, now});
  const auto other = *Basis::fit({"x", "y"}, rowsOf(kB, 200, 3));
  profiles.push_back(profileOf(other, rowsOf(kB, 200, 4)));
  candidates.push_back({"v3", &profiles.back(), now});
  traffic(kA, 400);
  const auto decision = traffic(kB, 300);
  EXPECT_EQ(decision.action, Action::Retrain);
  EXPECT_NE(decision.message.find("v2, v3"), std::string::npos) << decision.message;
}

TEST_F(DecideTest, TheSameInputGetsTheSameAnswer) {
  addVersion("v1", kA);
  addVersion("v2", kB);
  traffic(kA, 400);
  const auto first = traffic(kB, 200);
  const auto second = ask();
  EXPECT_EQ(first.message, second.message);
  EXPECT_EQ(first.score, second.score);
  EXPECT_EQ(first.ranked.size(), second.ranked.size());
}

TEST_F(DecideTest, MatchesTellsVersionsOfOneKindFromOthers) {
  addVersion("v1", kA);
  addVersion("v2", kA);
  addVersion("v3", kB);
  EXPECT_TRUE(matches(profiles[0], profiles[1], policy));
  EXPECT_FALSE(matches(profiles[0], profiles[2], policy));
  EXPECT_FALSE(matches(profiles[0], Profile(), policy));
}

}  // namespace
}  // namespace reprise::drift
