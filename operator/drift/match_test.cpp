// Which kept version fits, where several lie near: over many seeds.
#include "drift/match.h"

#include <gtest/gtest.h>

#include "drift/testing/decision.h"

namespace reprise::drift {
namespace {

using testing::kA;
using testing::kB;
using testing::Kind;
using testing::mixOf;
using testing::profileOf;
using testing::rowsOf;

constexpr unsigned kSeeds = 20;

struct MatchTest : testing::DecisionTest {
  std::vector<std::string> refused;
  double apart = 0;    // of the live rows and the nearest version, a mean over runs
  int trained = 1000;  // rows of a version

  // `serving` was there first; the others follow in the order of their creation.
  Match match(unsigned run, const std::vector<Kind>& kinds, const Kind& live, int rows) {
    seed = 1000 * (run + 1);
    profiles.clear();
    candidates.clear();
    for (std::size_t i = 0; i < kinds.size(); ++i)
      addVersion("v" + std::to_string(i + 1), kinds[i], trained);
    return matchNow(rowsOf(live, rows, ++seed));
  }
  Match matchNow(const std::vector<Row>& rows) {
    const auto live = profileOf(basis, rows);
    const auto found = matchVersions({live, candidates, serving, 0.01, refused}, policy);
    apart += found.distance / kSeeds;
    return found;
  }
  template <class Each>
  int count(Each each) {
    int out = 0;
    for (unsigned run = 0; run < kSeeds; ++run) out += each(run);
    return out;
  }
};

// A's version and one of rows a sixth of a standard deviation beside it are within the floor.
TEST_F(MatchTest, TheNewestOfAKindIsTakenOnlyWhereTheRowsDoNotTellItFromTheNearest) {
  const Kind beside{0.16, 0.16};
  ASSERT_LT(
      distance(profileOf(basis, rowsOf(kA, 4000, 1)), profileOf(basis, rowsOf(beside, 4000, 2)))
          ->effect,
      policy.toleranceFloor);
  EXPECT_EQ(count([&](auto run) { return match(run, {kB, kA, beside}, kA, 800).target == "v2"; }),
            kSeeds);
  const int newest =
      count([&](auto run) { return match(run, {kB, kA, kA}, kA, 800).target == "v3"; });
  EXPECT_GE(newest, 18) << "two of the very same kind";
}

// Far from the serving version, and near a kept one: that it is ten times nearer is no reason where
// no mix of rows explains what is between.
TEST_F(MatchTest, ANewKindBesideAKeptOneIsNotTakenForItBecauseTheServingOneIsFar) {
  const Kind beside{kB.x + 0.8, kB.y - 0.4};
  const int taken =
      count([&](auto run) { return !match(run, {kA, kB}, beside, 200).target.empty(); });
  EXPECT_LT(apart, policy.ratioMaxEffect);
  EXPECT_EQ(taken, 0);
}

TEST_F(MatchTest, AVersionWhoseTrainingHadRowsOfTheKindBeforeIsTakenByThatRatio) {
  const int taken = count([&](auto run) {
    seed = 1000 * (run + 1);
    profiles.clear();
    candidates.clear();
    addVersion("v1", kA, 1000);
    addProfile("v2", mixOf(kA, 200, kB, 1000, ++seed));
    return matchNow(rowsOf(kB, 200, ++seed)).target == "v2";
  });
  EXPECT_GT(apart, 2 * policy.toleranceFloor);
  EXPECT_EQ(taken, kSeeds);
}

// Of an effect below the floor, but beyond what returns show: it is new, unless the serving version
// is so far that it hardly matters.
TEST_F(MatchTest, AKindThatIsSomewhatNearerToAKeptVersionThanToTheServingOneIsNew) {
  const Kind between{0.27, 0.27}, kept{0.45, 0.09};
  trained = 4000;
  const auto taken = [&](const Kind& served) {
    apart = 0;
    return count(
        [&](auto run) { return match(run, {served, kept}, between, 3000).target == "v2"; });
  };
  EXPECT_LE(taken(kA), 2);
  EXPECT_LT(apart, policy.toleranceFloor);
  EXPECT_GE(taken(kB), 18);
}

TEST_F(MatchTest, AReturnIsTakenAtOnceOrSoonAtEverySeed) {
  const auto returns = [&](int rows) {
    return count([&](auto run) { return match(run, {kB, kA}, kA, rows).target == "v2"; });
  };
  EXPECT_GE(returns(200), 19);
  EXPECT_EQ(returns(300), kSeeds);
}

}  // namespace
}  // namespace reprise::drift
