#include "drift/distance.h"

#include <gtest/gtest.h>

#include "drift/testing/kinds.h"
#include "drift/training_distance.h"

namespace reprise::drift {
namespace {

using testing::Kind;
using testing::profileOf;
using testing::rowsOf;

struct DistanceTest : ::testing::Test {
  Basis basis = *Basis::fit({"x", "y"}, rowsOf({}, 500, 1));
  Profile of(const Kind& kind, int count, unsigned seed) const {
    return profileOf(basis, rowsOf(kind, count, seed));
  }
};

TEST_F(DistanceTest, OneSourceIsZeroOnAverageAndSeldomSignificant) {
  double sum = 0, squares = 0;
  int unlikely = 0;
  for (unsigned seed = 0; seed < 300; ++seed) {
    const auto found = *distance(of({}, 50, 1000 + seed), of({}, 200, 5000 + seed));
    sum += found.z;
    squares += found.z * found.z;
    unlikely += found.pValue < 0.01;
  }
  EXPECT_NEAR(sum / 300, 0, 0.25);
  EXPECT_NEAR(std::sqrt(squares / 300), 1, 0.35);
  EXPECT_LE(unlikely, 10) << "3 are expected";
}

// 70 rows of training, and 400 live ones that are 70 others which come back.
TEST_F(DistanceTest, LiveRowsThatComeBackAreNoMoreThanThoseOfTheTraining) {
  double plain = 0, counted = 0;
  for (unsigned run = 1; run <= 50; ++run) {
    const auto training = profileOf(basis, rowsOf({}, 70, 1000 + run));
    const auto others = rowsOf({}, 70, 2000 + run);
    std::mt19937 random(run);
    std::vector<Row> rows;
    for (int i = 0; i < 400; ++i) rows.push_back(others[random() % others.size()]);
    const auto live = profileOf(basis, rows);
    plain += distance(live, training)->z / 50;
    counted += trainingDistance(live, training, 1)->z / 50;
  }
  EXPECT_GT(plain, 0.8) << "there is something to mend";
  EXPECT_LT(std::abs(counted), 0.4);
}

TEST_F(DistanceTest, FewRowsBesideALargeTrainingCountAsWhatTheyAre) {
  const auto training = of({}, 5000, 3), live = of({1, 1}, 50, 4);
  const auto plain = *distance(live, training), counted = *trainingDistance(live, training, 1);
  EXPECT_NEAR(counted.effect, plain.effect, 0.01 * plain.effect);
  EXPECT_NEAR(counted.z, plain.z, 0.03 * plain.z);
}

TEST_F(DistanceTest, FartherIsMoreAndBothWaysAreTheSame) {
  const auto a = of({}, 200, 2), b = of({1, 1}, 200, 3), c = of({3, 3}, 200, 4);
  EXPECT_LT(distance(a, b)->effect, distance(a, c)->effect);
  EXPECT_GT(distance(a, b)->z, 20);
  EXPECT_GT(distance(a, c)->effect, 0.7);
  EXPECT_DOUBLE_EQ(distance(a, b)->mmd2, distance(b, a)->mmd2);
}

TEST_F(DistanceTest, CorrelationsThatTurnAreSeenThoughEachFeatureLooksTheSame) {
  const auto before = of({0, 0, 0.9}, 400, 2), after = of({0, 0, -0.9}, 400, 3);
  EXPECT_LT(perFeature(before, after).front().jensenShannon, 0.05) << "the plots do not show it";
  EXPECT_GT(distance(before, after)->z, 20);
  EXPECT_GT(*frechet(before, after), 0.3);
}

TEST_F(DistanceTest, FrechetOfAShiftIsItsSquareAFeature) {
  const auto shifted = frechet(of({}, 4000, 2), of({1, 1}, 4000, 3));
  ASSERT_TRUE(shifted);
  const double scale = basis.features()[0].scale;
  EXPECT_NEAR(*shifted, 1 / (scale * scale), 0.15);
  EXPECT_LT(*frechet(of({}, 4000, 2), of({}, 4000, 3)), 0.01);
}

TEST_F(DistanceTest, FeaturesAreOrderedByWhatMoved) {
  const auto found = perFeature(of({}, 400, 2), of({0, 2}, 400, 3));
  ASSERT_EQ(found.size(), 2u);
  EXPECT_EQ(found[0].feature, 1);
  EXPECT_GT(found[0].jensenShannon, 0.2);
  EXPECT_LT(found[1].jensenShannon, 0.05);
}

TEST_F(DistanceTest, AMixOfKnownKindsIsToldFromANewKind) {
  const auto a = of({}, 200, 2), b = of({4, 8}, 200, 3);
  auto mixed = of({}, 60, 4);
  ASSERT_TRUE(mixed.merge(of({4, 8}, 140, 5)));
  const auto found = *nearestMixture(mixed, a, b);
  EXPECT_NEAR(found.weight, 0.3, 0.06);
  EXPECT_LT(found.z, 5);
  EXPECT_GT(nearestMixture(of({2, 4}, 200, 6), a, b)->z, 20)
      << "between the two is no mix of the two";
}

TEST_F(DistanceTest, WhatCannotBeComparedIsAnError) {
  const auto other = *Basis::fit({"x", "y"}, rowsOf({1, 1}, 500, 1));
  EXPECT_NE(
      distance(of({}, 50, 1), profileOf(other, rowsOf({}, 50, 1))).error().message.find("bases"),
      std::string::npos);
  EXPECT_NE(distance(of({}, 3, 1), of({}, 50, 1)).error().message.find("at least 4 rows"),
            std::string::npos);
  EXPECT_FALSE(distance(Profile(), Profile()));
  EXPECT_FALSE(nearestMixture(of({}, 50, 1), of({}, 3, 1), of({}, 50, 1)));
  EXPECT_FALSE(frechet(of({}, 50, 1), Profile()));
  EXPECT_TRUE(perFeature(of({}, 50, 1), Profile()).empty());
}

TEST_F(DistanceTest, RowsThatAreAllTheSameAreNotApart) {
  Profile a(basis), b(basis);
  for (int i = 0; i < 50; ++i) {
    ASSERT_TRUE(a.add(basis, {1.0, 1.0}));
    if (i % 2) (void)b.add(basis, {1.0, 1.0});
  }
  EXPECT_NEAR(distance(a, b)->effect, 0, 1e-3);
  EXPECT_EQ(distance(a, b)->pValue, 1);
}

}  // namespace
}  // namespace reprise::drift
