// What labels and names change in a decision; inputs stay of one kind unless a test says otherwise.
#include <algorithm>
#include <map>

#include <gtest/gtest.h>

#include "drift/testing/decision.h"

namespace reprise::drift {
namespace {

using Action = Decision::Action;
using testing::kA;
using testing::kB;
using testing::kC;
using testing::Kind;
using testing::profileOf;
using testing::rowsOf;

struct LabelsTest : testing::DecisionTest {
  void addVersion(const std::string& name, const Kind& kind, double error = 0.05) {
    addProfile(name, rowsOf(kind, 400, ++seed));
    candidates.back().reference = ReferenceError{error, 1000};
  }
  // As traffic(), with scores of `kept` that are paired: of 50 rows, on `better` it alone is right,
  // on `worse` the serving version alone, and on `both` neither.
  Decision paired(const Kind& kind, int count, const std::string& kept, int better, int worse,
                  int both) {
    Decision out;
    for (int done = 0; done < count; done += 50) {
      const double own = better + both, other = worse + both;
      labels.push_back({serving, now + 1, now + 50, 50, own, own});
      labels.push_back({kept, now + 1, now + 50, 50, other, other, serving, 50,
                        double(better - worse), double(better + worse)});
      out = live(rowsOf(kind, 50, ++seed), 50);
      if (out.learnedTolerance) history.learnedTolerance = out.learnedTolerance;
    }
    return out;
  }
  // Windows of 50 rows in 50 ms, each with the same errors by version: wrong answers of 50.
  Decision traffic(const Kind& kind, int count, const std::map<std::string, int>& wrong) {
    Decision out;
    for (int done = 0; done < count; done += 50) {
      for (const auto& [version, errors] : wrong)
        labels.push_back({version, now + 1, now + 50, 50, double(errors), double(errors)});
      out = live(rowsOf(kind, 50, ++seed), 50);
      if (out.learnedTolerance) history.learnedTolerance = out.learnedTolerance;
    }
    return out;
  }
};

TEST_F(LabelsTest, ARuleThatComesBackSwitchesThoughInputsAreTheSame) {
  addVersion("v1", kA);
  addVersion("v2", kA);
  EXPECT_EQ(traffic(kA, 500, {{"v1", 2}, {"v2", 25}}).action, Action::Clear);
  const auto decision = traffic(kA, 100, {{"v1", 25}, {"v2", 2}});
  EXPECT_EQ(decision.action, Action::Switch) << decision.message;
  EXPECT_EQ(decision.version, "v2");
  EXPECT_EQ(decision.reason, "KnownRule");
  EXPECT_EQ(decision.labels, 100);
  EXPECT_NEAR(*decision.error, 0.5, 1e-9);
  EXPECT_NEAR(*decision.referenceError, 0.05, 1e-9);
}

TEST_F(LabelsTest, ANewRuleIsRetrainedAndNotTakenForAKeptOne) {
  addVersion("v1", kA);
  addVersion("v2", kA);
  traffic(kA, 500, {{"v1", 2}, {"v2", 17}});
  const auto decision = traffic(kA, policy.minSamples, {{"v1", 25}, {"v2", 17}});
  EXPECT_EQ(decision.action, Action::Retrain) << decision.message;
  EXPECT_EQ(decision.reason, "UnknownRule");
}

TEST_F(LabelsTest, ARuleNearAKeptOneWaitsForMoreLabels) {
  addVersion("v1", kA);
  addVersion("v2", kA);
  traffic(kA, 500, {{"v1", 2}, {"v2", 25}});
  const auto decision = traffic(kA, 200, {{"v1", 25}, {"v2", 7}});
  EXPECT_EQ(decision.reason, "CollectingLabels") << decision.message;
  EXPECT_TRUE(decision.drifted);
}

TEST_F(LabelsTest, WithoutShadowScoresItWaitsThenRetrains) {
  addVersion("v1", kA);
  addVersion("v2", kA);
  traffic(kA, 500, {{"v1", 2}});
  EXPECT_EQ(traffic(kA, 250, {{"v1", 25}}).reason, "CollectingLabels");
  EXPECT_EQ(traffic(kA, 50, {{"v1", 25}}).action, Action::Retrain);
}

TEST_F(LabelsTest, ASmallRiseIsNoAlarmHoweverManyLabels) {
  addVersion("v1", kA);
  EXPECT_EQ(traffic(kA, 3000, {{"v1", 5}}).action, Action::Clear) << "0.10 against 0.05";
}

TEST_F(LabelsTest, FewLabelsSayNothing) {
  addVersion("v1", kA);
  traffic(kA, 500, {{"v1", 2}});
  history.activeSinceMs = now + 1;
  const auto block = [&](std::int64_t count) {
    labels.push_back({"v1", now + 1, now + 50, count, double(count), double(count)});
    now += 50;
    return ask();
  };
  EXPECT_EQ(block(15).action, Action::Clear);
  EXPECT_TRUE(block(15).drifted) << "20 are enough, if all are wrong";
}

TEST_F(LabelsTest, WithoutAHoldOutTheReferenceIsLearnedFromTheFirstLabels) {
  addVersion("v1", kA);
  addVersion("v2", kA);
  candidates[0].reference.reset();
  EXPECT_FALSE(traffic(kA, 100, {{"v1", 10}}).referenceError);
  const auto learned = traffic(kA, 400, {{"v1", 10}});
  ASSERT_TRUE(learned.referenceError);
  EXPECT_NEAR(*learned.referenceError, 0.2, 1e-9);
  EXPECT_EQ(learned.action, Action::Clear);
  EXPECT_EQ(traffic(kA, 150, {{"v1", 35}, {"v2", 2}}).version, "v2");
}

TEST_F(LabelsTest, LabelsOfBeforeTheSwitchDoNotCount) {
  addVersion("v1", kA);
  addVersion("v2", kA);
  traffic(kA, 500, {{"v1", 2}, {"v2", 25}});
  traffic(kA, 300, {{"v1", 25}, {"v2", 2}});
  // v1 had served, lost, and serves again: what it got wrong then is no news.
  history.activeSinceMs = now + 1;
  EXPECT_FALSE(traffic(kA, 100, {{"v1", 2}, {"v2", 25}}).drifted);
  history.activeSinceMs.reset();
  EXPECT_EQ(ask().drifted, false) << "the newest labels are good";
}

TEST_F(LabelsTest, LabelsThatLagAsLongAsKindsLastDoNotAct) {
  addVersion("v1", kA);
  addVersion("v2", kA);
  lag = 2000;
  traffic(kA, 1000, {{"v1", 2}, {"v2", 25}});
  const auto late = traffic(kA, 2400, {{"v1", 25}, {"v2", 2}});
  EXPECT_EQ(late.reason, "LateLabels") << late.message;
  EXPECT_EQ(traffic(kA, 4000, {{"v1", 25}, {"v2", 2}}).action, Action::Switch)
      << "it lasts: what they tell is true still";
}

TEST_F(LabelsTest, ARuleThatDiffersOnFewRowsIsSeenOnTheSameRows) {
  addVersion("v1", kA, 0.1);
  addVersion("v2", kA, 0.1);
  EXPECT_EQ(paired(kA, 500, "v2", 0, 2, 5).action, Action::Clear);
  Decision decision;
  int rows = 0;
  for (; rows < 1500 && decision.action != Action::Switch; rows += 50)
    decision = paired(kA, 50, "v2", 3, 0, 4);  // 0.14 against 0.08
  EXPECT_EQ(decision.version, "v2") << decision.message;
  EXPECT_LE(rows, 600);
  EXPECT_EQ(decision.reason, "KnownRule");
  EXPECT_LT(*decision.error - *decision.referenceError, policy.minErrorRise)
      << "its own error alone is no alarm";
}

TEST_F(LabelsTest, AKeptVersionThatIsAsGoodIsNotSwitchedTo) {
  addVersion("v1", kA, 0.1);
  addVersion("v2", kA, 0.1);
  for (int i = 0; i < 60; ++i) {
    ASSERT_FALSE(paired(kA, 50, "v2", 3, 2, 3).drifted) << "0.02 better";
  }
}

TEST_F(LabelsTest, AKeptVersionThatIsBetterButNotAsGoodAsOnItsOwnRuleIsNotTaken) {
  addVersion("v1", kA, 0.1);
  addVersion("v2", kA, 0.1);
  paired(kA, 500, "v2", 0, 2, 5);
  Decision decision;
  for (int i = 0; i < 40; ++i) {  // 0.34 and 0.24
    decision = paired(kA, 50, "v2", 5, 0, 12);
    ASSERT_NE(decision.action, Action::Switch) << decision.message;
  }
  EXPECT_EQ(decision.reason, "UnknownRule") << decision.message;
}

TEST_F(LabelsTest, PairsThatAreOverRaiseNoAlarm) {
  addVersion("v1", kA, 0.1);
  addVersion("v2", kA, 0.1);
  history.refused = {"v2"};
  paired(kA, 500, "v2", 0, 2, 5);
  EXPECT_FALSE(paired(kA, 1000, "v2", 3, 0, 4).drifted) << "v2 may not be chosen";
  history.refused = {};
  EXPECT_TRUE(ask().drifted);
  EXPECT_FALSE(paired(kA, 100, "v2", 0, 3, 4).drifted);
}

TEST_F(LabelsTest, LabelsThatAreLateActWhereKindsLastLongThoughBlocksShowLittleOfIt) {
  addVersion("v1", kA);
  addVersion("v2", kA);
  lag = 2000;
  history.activeSinceMs = now + 1;
  traffic(kA, 5000, {{"v1", 2}, {"v2", 25}});
  labels.erase(labels.begin(), labels.end() - 2 * 16);
  traffic(kA, 1950, {{"v1", 25}, {"v2", 2}});
  EXPECT_EQ(traffic(kA, 150, {{"v1", 25}, {"v2", 2}}).version, "v2");
  history.activeSinceMs = now - 4000;
  EXPECT_EQ(ask().reason, "LateLabels") << "it served but for 3,000 rows";
  history.changedMs = now - 7000;
  EXPECT_EQ(ask().version, "v2") << "… of a kind that had begun before";
}

// Two visits of a rule with a calm time between them are not one: the calm time was short.
TEST_F(LabelsTest, ALateRuleThatCameBeforeIsDatedFromItsLastVisit) {
  addVersion("v1", kA);
  addVersion("v2", kA);
  lag = 2000;
  history.activeSinceMs = now + 1;
  traffic(kA, 2500, {{"v1", 2}, {"v2", 25}});
  traffic(kA, 500, {{"v1", 25}, {"v2", 2}});
  traffic(kA, 2500, {{"v1", 2}, {"v2", 25}});
  const auto begin = now;
  traffic(kA, 2000, {{"v1", 25}, {"v2", 2}});
  const auto decision = traffic(kA, 100, {{"v1", 25}, {"v2", 2}});
  EXPECT_EQ(decision.reason, "LateLabels") << decision.message;
  EXPECT_EQ(*decision.firstDriftedMs, begin + 1);
}

TEST_F(LabelsTest, LabelsThatLagALittleActAtOnce) {
  addVersion("v1", kA);
  addVersion("v2", kA);
  lag = 300;
  traffic(kA, 500, {{"v1", 2}, {"v2", 25}});
  EXPECT_EQ(traffic(kA, 400, {{"v1", 25}, {"v2", 2}}).version, "v2");
}

TEST_F(LabelsTest, LabelsThatAreLateAndOfARuleThatIsOverDoNotAct) {
  addVersion("v1", kA);
  addVersion("v2", kA);
  lag = 2000;
  traffic(kA, 1000, {{"v1", 2}, {"v2", 25}});
  int acted = 0;
  for (int turn = 0; turn < 8; ++turn) {
    // The two rules take turns of 1,000 rows: what the labels tell is over when they come.
    for (int i = 0; i < 20; ++i) {
      const auto decision = turn % 2 ? traffic(kA, 50, {{"v1", 2}, {"v2", 25}})
                                     : traffic(kA, 50, {{"v1", 25}, {"v2", 2}});
      acted += decision.action == Action::Switch || decision.action == Action::Retrain;
    }
  }
  EXPECT_EQ(acted, 0);
}

// v2's rule takes over within 1,500 rows; errors of 50 rows at a time.
TEST_F(LabelsTest, ARuleThatComesBackGraduallyIsSwitchedToAndNothingIsTrained) {
  addVersion("v1", kA);
  addVersion("v2", kA);
  traffic(kA, 800, {{"v1", 2}, {"v2", 25}});
  bool moved = false;
  Decision decision;
  for (int i = 0; i < 40 && decision.action != Action::Switch; ++i) {
    const int share = std::min(i, 30);  // of 30
    decision = traffic(kA, 50, {{"v1", 2 + 23 * share / 30}, {"v2", 25 - 23 * share / 30}});
    moved = moved || decision.drifted;
    ASSERT_NE(decision.action, Action::Retrain) << i << ": " << decision.message;
  }
  EXPECT_TRUE(moved);
  EXPECT_EQ(decision.version, "v2") << decision.message;
}

// Half of the way from v1's rule to v2's is at the 15th step: soon after it most rows are of v2's.
TEST_F(LabelsTest, ARuleThatTakesOverIsSwitchedToWhenMostRowsAreOfIt) {
  addVersion("v1", kA);
  addVersion("v2", kA);
  traffic(kA, 800, {{"v1", 2}, {"v2", 25}});
  Decision decision;
  int i = 0;
  for (; i < 30 && decision.action != Action::Switch; ++i)
    decision = traffic(kA, 50, {{"v1", 2 + 23 * i / 30}, {"v2", 25 - 23 * i / 30}});
  EXPECT_EQ(decision.version, "v2") << decision.message;
  EXPECT_EQ(decision.reason, "KnownRule");
  EXPECT_GT(i, 15) << "not before";
  EXPECT_LE(i, 20);
}

TEST_F(LabelsTest, ANewRuleThatIsNearerToAKeptOneIsNotTakenForOneThatTakesOver) {
  addVersion("v1", kA);
  addVersion("v2", kA);
  traffic(kA, 800, {{"v1", 2}, {"v2", 25}});
  for (int i = 0; i < 20; ++i) {  // at once
    const auto decision = traffic(kA, 50, {{"v1", 25}, {"v2", 12}});
    ASSERT_NE(decision.action, Action::Switch) << i << ": " << decision.message;
  }
}

TEST_F(LabelsTest, ANewRuleThatComesSlowlyAndIsALittleNearerToAKeptOneIsNotTaken) {
  addVersion("v1", kA);
  addVersion("v2", kA);
  traffic(kA, 800, {{"v1", 2}, {"v2", 25}});
  for (int i = 0; i < 50; ++i) {  // v2's error stays above half of its way
    const int share = std::min(i, 30);
    const auto decision =
        traffic(kA, 50, {{"v1", 2 + 23 * share / 30}, {"v2", 25 - 9 * share / 30}});
    ASSERT_NE(decision.action, Action::Switch) << i << ": " << decision.message;
  }
}

TEST_F(LabelsTest, ANewRuleThatComesGraduallyIsTrainedWhenItRestsOnItsOwnRows) {
  addVersion("v1", kA);
  traffic(kA, 800, {{"v1", 2}});
  const auto begin = now;
  bool waited = false;
  Decision decision;
  int i = 0;
  for (; i < 60 && decision.action != Action::Retrain; ++i) {
    decision = traffic(kA, 50, {{"v1", 2 + 30 * std::min(i, 20) / 20}});  // within 1,000 rows
    waited = waited || decision.reason == "RuleMoving";
  }
  EXPECT_TRUE(waited);
  EXPECT_EQ(decision.action, Action::Retrain) << decision.message;
  EXPECT_GT(*decision.firstDriftedMs, begin + 400) << "rows of the rule before do not count";
}

TEST_F(LabelsTest, ATrainingWaitsUntilTheErrorsAreWorthIt) {
  addVersion("v1", kA);
  addVersion("v2", kA);
  traffic(kA, 800, {{"v1", 2}, {"v2", 25}});
  const auto few = traffic(kA, 250, {{"v1", 15}, {"v2", 25}});  // 65 more than expected
  EXPECT_TRUE(few.drifted);
  EXPECT_EQ(few.reason, "CollectingLabels") << few.message;
}

TEST_F(LabelsTest, GoodAnswersToMovedInputsVetoATraining) {
  addVersion("v1", kA);
  policy.retrainCooldownMs = policy.cooldownMs = 0;
  traffic(kA, 500, {{"v1", 2}});
  const auto decision = traffic(kB, 200, {{"v1", 2}});
  EXPECT_EQ(decision.action, Action::Clear) << decision.message;
  EXPECT_EQ(decision.reason, "LabelsAgree");
  EXPECT_EQ(decision.version, "v1");
}

TEST_F(LabelsTest, AVersionWhoseInputsFitButWhoseErrorsDoNotIsNotChosen) {
  addVersion("v1", kA);
  addVersion("v2", kB);
  traffic(kA, 500, {{"v1", 2}, {"v2", 25}});
  const auto decision = traffic(kB, 200, {{"v1", 25}, {"v2", 25}});
  EXPECT_EQ(decision.action, Action::Retrain) << decision.message;
}

TEST_F(LabelsTest, AVersionWhoseErrorsFitIsChosenThoughItsInputsDoNot) {
  addVersion("v1", kA);
  addVersion("v2", kC);
  traffic(kA, 500, {{"v1", 2}, {"v2", 25}});
  const auto decision = traffic(kB, 200, {{"v1", 25}, {"v2", 2}});
  EXPECT_EQ(decision.action, Action::Switch) << decision.message;
  EXPECT_EQ(decision.version, "v2");
  EXPECT_EQ(decision.reason, "KnownRule");
}

TEST_F(LabelsTest, InputsThatAreTheServingVersionsDoNotClearAnAlarmOfLabels) {
  addVersion("v1", kA);
  traffic(kA, 500, {{"v1", 2}});
  traffic(kB, 100, {{"v1", 2}});
  const auto decision = traffic(kA, 250, {{"v1", 30}});
  EXPECT_EQ(decision.action, Action::Retrain) << decision.message;
  EXPECT_EQ(decision.reason, "UnknownRule");
}

TEST_F(LabelsTest, ErrorsThatAreNotWithinOneAreJudgedByTheirSpread) {
  addVersion("v1", kA, 20);
  addVersion("v2", kA, 20);
  const auto block = [&](const char* version, double mean) {  // standard deviation 10
    labels.push_back({version, now - 49, now, 50, 50 * mean, 50 * (mean * mean + 100)});
  };
  for (int i = 0; i < 10; ++i) {
    traffic(kA, 50, {});
    block("v1", 20);
    block("v2", 60);
  }
  EXPECT_EQ(ask().action, Action::Clear);
  for (int i = 0; i < 4; ++i) {
    traffic(kA, 50, {});
    block("v1", 60);
    block("v2", 20);
  }
  EXPECT_EQ(ask().version, "v2") << ask().message;
}

TEST_F(LabelsTest, BlocksThatNoErrorsCanHaveAreLeftOut) {
  addVersion("v1", kA);
  traffic(kA, 500, {{"v1", 2}});
  for (const auto& bad : std::vector<LabelBlock>{{"v1", now, now, 500, -1, 1},
                                                 {"v1", now, now, 0, 500, 500},
                                                 {"v1", now, now, 500, 500, 1},
                                                 {"v1", now, now, 500, 1e300 * 1e300, 1},
                                                 {"v1", now, now, 500, 500, 500, "", 501, 0, 0},
                                                 {"v1", now, now, 500, 500, 500, "", 5, 5, 1}})
    labels.push_back(bad);
  EXPECT_EQ(ask().action, Action::Clear);
}

struct ContextTest : LabelsTest {
  void addFor(const std::string& name, const std::string& context, const Kind& kind) {
    addVersion(name, kind);
    candidates.back().context = context;
  }
  Decision named(const std::map<std::string, std::int64_t>& contexts, int count,
                 const Kind& kind = kA) {
    Decision out;
    for (int done = 0; done < count; done += 50) {
      windows.push_back(
          {serving, now + 1, now + 50, profileOf(basis, rowsOf(kind, 50, ++seed)), contexts});
      now += 50;
      out = ask();
    }
    return out;
  }
};

TEST_F(ContextTest, AnEqualNameBeatsStatistics) {
  addFor("v1", "car", kA);
  addFor("v2", "truck", kB);
  addFor("v3", "bus", kC);
  EXPECT_EQ(named({{"car", 50}}, 400).action, Action::Clear);
  EXPECT_EQ(named({{"truck", 50}}, 150).reason, "CollectingRows");
  const auto decision = named({{"truck", 50}}, 50);
  EXPECT_EQ(decision.action, Action::Switch) << "though the rows look like those of car";
  EXPECT_EQ(decision.version, "v2");
  EXPECT_EQ(decision.reason, "KnownContext");
}

TEST_F(ContextTest, ANameThatNoVersionCarriesWasNotSeenBefore) {
  addFor("v1", "car", kA);
  addFor("v2", "truck", kB);
  named({{"car", 50}}, 400);
  const auto decision = named({{"tram", 50}}, 200);
  EXPECT_EQ(decision.action, Action::Retrain) << decision.message;
  EXPECT_EQ(decision.reason, "UnknownContext");
  EXPECT_NE(decision.message.find("'tram'"), std::string::npos);
}

TEST_F(ContextTest, TheNewestVersionOfTheNameThatWasNotRefusedIsTaken) {
  addFor("v1", "car", kA);
  addFor("v2", "truck", kB);
  addFor("v3", "truck", kC);
  EXPECT_EQ(named({{"truck", 50}}, 200).version, "v3");
  history.refused = {"v3"};
  EXPECT_EQ(ask().version, "v2");
}

TEST_F(ContextTest, SeveralNamesAtOnceAreAMixedStream) {
  addFor("v1", "car", kA);
  addFor("v2", "truck", kB);
  const auto decision = named({{"car", 30}, {"truck", 20}}, 400);
  EXPECT_EQ(decision.action, Action::Hold);
  EXPECT_EQ(decision.reason, "MixedStream");
  EXPECT_NE(decision.message.find("'car' 60 %, 'truck' 40 %"), std::string::npos)
      << decision.message;
}

TEST_F(ContextTest, NamesThatTakeTurnsAreAMixedStream) {
  addFor("v1", "car", kA);
  addFor("v2", "truck", kB);
  for (int i = 0; i < 5; ++i) {
    named({{"car", 50}}, 50);
    named({{"truck", 50}}, 50);
  }
  EXPECT_EQ(ask().reason, "MixedStream");
}

TEST_F(ContextTest, OneNameLeavesTheRestToStatistics) {
  addFor("v1", "car", kA);
  addFor("v2", "car", kB);
  addFor("v3", "truck", kB);
  named({{"car", 50}}, 400);
  EXPECT_EQ(named({{"car", 50}}, 200, kB).version, "v2") << "not that of another name";
}

TEST_F(ContextTest, VersionsWithoutNamesIgnoreThem) {
  addVersion("v1", kA);
  addVersion("v2", kB);
  EXPECT_EQ(named({{"car", 50}}, 400).action, Action::Clear);
  EXPECT_EQ(named({{"truck", 50}}, 400).action, Action::Clear);
}

TEST_F(ContextTest, AVersionForAnyContextIsNotWrongForANewName) {
  addVersion("v1", kA);
  addFor("v2", "truck", kB);
  EXPECT_EQ(named({{"tram", 50}}, 400).action, Action::Clear);
  EXPECT_EQ(named({{"truck", 50}}, 200).version, "v2");
}

}  // namespace
}  // namespace reprise::drift
