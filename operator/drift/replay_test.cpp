#include "drift/replay.h"

#include <cmath>

#include <gtest/gtest.h>

#include "drift/testing/kinds.h"

namespace reprise::drift {
namespace {

using testing::Kind;
using testing::rowsOf;

// Kinds whose inputs are apart, and in each the label is another one: only its own version is
// right.
struct ReplayTest : ::testing::Test {
  const std::map<std::string, Kind> kinds = {{"A", {}}, {"B", {4, 8}}, {"C", {-4, -8}}};
  Basis basis = *Basis::fit({"x", "y"}, rowsOf({}, 400, 1));
  std::vector<ReplayRow> rows;
  ReplayOptions options;
  unsigned seed = 10;

  ReplayTest() {
    options.policy.cooldownMs = 0;
    options.policy.retrainCooldownMs = 1000;
    options.trainTakes = 1000;
    options.trainRows = 500;
    options.recovery = 1000;
  }
  void add(const std::string& kind, int count, const std::string& inputs = "") {
    for (auto& row : rowsOf(kinds.at(inputs.empty() ? kind : inputs), count, ++seed)) {
      ReplayRow one;
      one.row = std::move(row);
      one.label = kind;
      one.kind = kind;
      rows.push_back(std::move(one));
    }
  }
  ReplayVersion version(const std::string& name, const std::string& kind,
                        const std::string& inputs = "") {
    std::vector<ReplayRow> before;
    rows.swap(before);
    add(kind, 500, inputs);
    auto out = *forestTrainer(basis)(rows, 0, rows.size());
    rows.swap(before);
    out.name = name;
    out.kind = kind;
    return out;
  }
  ReplayResult play(ReplayMode mode, std::vector<ReplayVersion> versions) {
    options.mode = mode;
    return *replay(basis, rows, std::move(versions), forestTrainer(basis), options);
  }
};

TEST_F(ReplayTest, AReturnIsSwitchedAndScored) {
  for (const auto* kind : {"A", "B", "A"}) add(kind, 2000);
  const auto out = play(ReplayMode::Switch, {version("v1", "A"), version("v2", "B")});
  EXPECT_EQ(out.score.rows, 6000);
  EXPECT_EQ(out.score.returns, 2);
  EXPECT_EQ(out.score.right, 2);
  EXPECT_EQ(out.score.trainings, 0);
  EXPECT_EQ(out.score.falseActions, 0);
  EXPECT_EQ(out.score.alarms, 2);
  for (const auto delay : out.score.switchRows) EXPECT_LE(delay, 300);
  EXPECT_EQ(out.score.recoveryJudged, 1000) << "B was not in the stream before";
  EXPECT_GT(out.score.recovery(), 0.7);
  EXPECT_LT(out.score.blindRows, 300);
}

TEST_F(ReplayTest, ANewKindIsTrainedAndThenKnown) {
  for (const auto* kind : {"A", "B", "A", "B"}) add(kind, 3000);
  const auto out = play(ReplayMode::Switch, {version("v1", "A")});
  EXPECT_EQ(out.score.arrivals, 1);
  EXPECT_EQ(out.score.taken, 0);
  EXPECT_EQ(out.score.trainings, 1);
  EXPECT_EQ(out.score.returns, 2);
  EXPECT_EQ(out.score.right, 2);
}

TEST_F(ReplayTest, PoliciesAreOrderedAsTheyShouldBe) {
  for (const auto* kind : {"A", "B", "A", "B", "A"}) add(kind, 2500);
  const std::vector<ReplayVersion> versions = {version("v1", "A"), version("v2", "B")};
  const double never = play(ReplayMode::Never, versions).score.accuracy();
  const double always = play(ReplayMode::Always, versions).score.accuracy();
  const double ours = play(ReplayMode::Switch, versions).score.accuracy();
  const auto oracle = play(ReplayMode::Oracle, versions).score;
  EXPECT_LT(never, ours);
  EXPECT_LT(always, ours);
  EXPECT_LT(ours, oracle.accuracy());
  EXPECT_EQ(oracle.right, oracle.returns);
  EXPECT_EQ(median(oracle.switchRows), 1);
}

TEST_F(ReplayTest, OnlyLabelsThatMoveAreSeenOnceLabelsCome) {
  options.labelsLate = 300;
  add("A", 2000, "A");
  add("B", 2000, "A");
  add("A", 2000, "A");
  const auto out = play(ReplayMode::Switch, {version("v1", "A", "A"), version("v2", "B", "A")});
  EXPECT_EQ(out.score.right, 2);
  for (const auto delay : out.score.switchRows) {
    EXPECT_GT(delay, 300) << "no label of the new rule was there before";
    EXPECT_LE(delay, 450);
  }
}

TEST_F(ReplayTest, DataThatReturnsWhileATrainingRunsIsSwitchedBack) {
  add("A", 2000);
  add("B", 400);
  add("A", 3000);
  options.trainTakes = 2300;
  const auto out = play(ReplayMode::Switch, {version("v1", "A"), version("v2", "C")});
  EXPECT_EQ(out.score.trainings, 1);
  EXPECT_EQ(out.score.falseActions, 0);
  EXPECT_GT(out.score.accuracy(), 0.85) << "what was trained on B is not put in front of A";
}

TEST_F(ReplayTest, WithoutKindsNothingIsJudgedButAlarmsAreThere) {
  add("A", 1000);
  add("B", 1000);
  for (auto& row : rows) row.kind.clear();
  const auto out = play(ReplayMode::Switch, {version("v1", "A")});
  EXPECT_EQ(out.score.changes, 0);
  EXPECT_EQ(out.score.blindRows, 0);
  EXPECT_EQ(out.score.alarms, 1);
  EXPECT_EQ(out.score.trainings, 1);
}

TEST_F(ReplayTest, ScoresAddUp) {
  add("A", 1000);
  add("B", 1000);
  const auto one = play(ReplayMode::Switch, {version("v1", "A"), version("v2", "B")}).score;
  auto two = one;
  two.add(one);
  EXPECT_EQ(two.rows, 4000);
  EXPECT_EQ(two.right, 2 * one.right);
  EXPECT_EQ(two.switchRows.size(), 2 * one.switchRows.size());
  EXPECT_DOUBLE_EQ(two.accuracy(), one.accuracy());
  EXPECT_TRUE(std::isnan(median({})));
  EXPECT_EQ(median({3, 1, 2, 10}), 2.5);
}

TEST_F(ReplayTest, RefusesVersionsOfAnotherBasis) {
  add("A", 100);
  auto other = version("v2", "A");
  const auto basis2 = *Basis::fit({"x", "y"}, rowsOf({1, 1}, 50, 3));
  other.profile = std::make_shared<const Profile>(basis2);
  const auto out = replay(basis, rows, {version("v1", "A"), other}, {}, options);
  ASSERT_FALSE(out);
  EXPECT_NE(out.error().message.find("versions.v2"), std::string::npos);
  EXPECT_FALSE(replay(basis, rows, {}, {}, options));
}

}  // namespace
}  // namespace reprise::drift
