// Kinds at once, kinds in turns, odd rows, missing values: over many seeds, what must always hold.
#include <limits>

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
using testing::rowsOf;

constexpr unsigned kRuns = 6;

struct MixedTest : testing::DecisionTest {
  int actions = 0;

  void start(unsigned run) {
    seed = 10'000 * (run + 1);
    profiles.clear();
    candidates.clear();
    history = {};
    actions = 0;
    addVersion("v1", kA, 400);
    addVersion("v2", kB, 400);
    serve("v1");
  }
  // Acted on.
  Decision step(const std::vector<Row>& rows) {
    const auto decision = live(rows);
    actions += act(decision);
    return decision;
  }
  std::vector<Row> some(const Kind& kind, int count = 50) { return rowsOf(kind, count, ++seed); }
};

TEST_F(MixedTest, TwoKnownKindsAtOnceAreAMixedStreamAtAnyShare) {
  for (unsigned run = 0; run < kRuns; ++run) {
    start(run);
    for (int i = 0; i < 8; ++i) step(some(kA));
    const int ofA = 15 + 4 * static_cast<int>(run);  // of 50: 30 % to 70 %
    Decision decision;
    for (int i = 0; i < 12; ++i) decision = step(mixOf(kA, ofA, kB, 50, ++seed));
    EXPECT_EQ(actions, 0) << run << ": " << decision.message;
    EXPECT_EQ(decision.reason, "MixedStream") << run << ": " << decision.message;
  }
}

TEST_F(MixedTest, ANewKindIsNoMixWhereverItLies) {
  // Between the two known ones, in the middle too, and beside them.
  for (const Kind& kind : {Kind{2, 4}, Kind{1.2, 2.4}, Kind{4, 0}, Kind{2, 4, 0.9}, kC}) {
    for (unsigned run = 0; run < 3; ++run) {
      start(run);
      for (int i = 0; i < 8; ++i) step(some(kA));
      Decision decision;
      for (int i = 0; i < 12 && actions == 0; ++i) decision = step(some(kind));
      EXPECT_EQ(decision.action, Action::Retrain)
          << kind.x << " " << kind.y << ", " << run << ": " << decision.message;
    }
  }
}

TEST_F(MixedTest, AMixWithANewKindIsNotTakenForAKnownOne) {
  for (unsigned run = 0; run < kRuns; ++run) {
    start(run);
    for (int i = 0; i < 8; ++i) step(some(kA));
    for (int i = 0; i < 12 && actions == 0; ++i)
      EXPECT_NE(step(mixOf(kB, 25, kC, 50, ++seed)).action, Action::Switch) << run;
  }
}

TEST_F(MixedTest, KindsThatTakeTurnsWithinTheSampleDoNotFlapTheModel) {
  for (unsigned run = 0; run < kRuns; ++run) {
    start(run);
    policy.cooldownMs = 0;
    for (int i = 0; i < 8; ++i) step(some(kA));
    const int turn = 1 + static_cast<int>(run % 3);  // windows; 4 of them are minSamples
    for (int i = 0; i < 40; ++i) step(some((i / turn) % 2 ? kA : kB));
    EXPECT_EQ(actions, 0) << run;
  }
}

TEST_F(MixedTest, KindsThatTakeLongTurnsFlapNoMoreThanTheCoolDownAllows) {
  for (unsigned run = 0; run < kRuns; ++run) {
    start(run);
    for (int i = 0; i < 8; ++i) step(some(kA));
    const auto begin = now;
    const int turn = 5 + 3 * static_cast<int>(run);
    for (int i = 0; i < 120; ++i) step(some((i / turn) % 2 ? kA : kB));
    EXPECT_LE(actions, 1 + (now - begin) / policy.cooldownMs) << run;
    EXPECT_GE(actions, 1) << run;
  }
}

TEST_F(MixedTest, OneClientWithOddRowsForcesAtMostOneActionACoolDown) {
  const double inf = std::numeric_limits<double>::infinity();
  const std::vector<Row> odd = {
      {1e300, -1e300}, {inf, -inf}, {Cell{}, Cell{}}, {std::string("x"), 0.0}, {-40.0, 40.0}};
  for (unsigned run = 0; run < kRuns; ++run) {
    start(run);
    for (int i = 0; i < 8; ++i) step(some(kA));
    const auto begin = now;
    const int share = 1 << run;  // of 50: 2 % to 64 %
    for (int i = 0; i < 120; ++i) {
      auto rows = some(kA, 50 - share);
      for (int k = 0; k < share; ++k)
        rows.push_back(odd[(run + static_cast<unsigned>(i) / 20) % odd.size()]);
      step(rows);
    }
    EXPECT_LE(actions, 1 + (now - begin) / policy.cooldownMs) << run;
    if (share <= 2) {
      EXPECT_EQ(actions, 0) << "4 % of odd rows are nothing to act on: " << run;
    }
  }
}

TEST_F(MixedTest, MissingValuesThatWereThereInTrainingAreNoDriftAndTheReturnIsStillSeen) {
  const auto hide = [&](std::vector<Row> rows) {
    unsigned at = seed;
    for (auto& row : rows) {
      for (auto& cell : row) {
        if ((at = at * 1664525 + 1013904223) >> 24 < 26) cell = Cell{};  // a tenth
      }
    }
    return rows;
  };
  for (unsigned run = 0; run < kRuns; ++run) {
    start(run);
    profiles.clear();
    candidates.clear();
    addProfile("v1", hide(some(kA, 400)));
    addProfile("v2", hide(some(kB, 400)));
    serve("v1");
    for (int i = 0; i < 30; ++i) step(hide(some(kA)));
    EXPECT_EQ(actions, 0) << run;
    for (int i = 0; i < 6; ++i) step(hide(some(kB)));
    EXPECT_EQ(actions, 1) << run;
    EXPECT_EQ(serving, "v2") << run;
  }
}

TEST_F(MixedTest, DataThatMovesOnWhileATrainingRunsIsServedByTheVersionOfItsKind) {
  for (unsigned run = 0; run < kRuns; ++run) {
    start(run);
    for (int i = 0; i < 8; ++i) step(some(kA));
    while (actions == 0) step(some(kC));
    ASSERT_TRUE(history.lastRetrainMs) << run;
    now += policy.cooldownMs;
    for (int i = 0; i < 6; ++i) step(some(kB));
    EXPECT_EQ(serving, "v2") << run;
    EXPECT_EQ(actions, 2) << "the training's cool-down does not hold a switch: " << run;
    // What the training made is of C, which is over.
    addVersion("v3", kC, 400);
    now += policy.retrainCooldownMs;
    for (int i = 0; i < 12; ++i) step(some(kB));
    EXPECT_EQ(serving, "v2") << run;
  }
}

}  // namespace
}  // namespace reprise::drift
