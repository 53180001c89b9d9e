#include "drift/error_sum.h"

#include <cmath>

#include <gtest/gtest.h>

namespace reprise::drift {
namespace {

ErrorSum pairs(std::int64_t n, double gain, double squares) {
  ErrorSum out;
  LabelBlock block{"v2", 1, 2, n, 0, 0, "v1", n, gain, squares};
  out.add(block);
  return out;
}

TEST(PairedOdds, ConcordantRowsSayNothing) {
  const double five = 5 * std::log(2);  // one half to the power of five
  EXPECT_NEAR(pairedOdds(pairs(5, 5, 5), ErrorKind::Binary), five, 1e-12);
  EXPECT_NEAR(pairedOdds(pairs(500, 5, 5), ErrorKind::Binary), five, 1e-12);
  EXPECT_EQ(pairedOdds(pairs(500, 0, 0), ErrorKind::Binary), 0);
}

TEST(PairedOdds, OnlyABetterVersionHasOdds) {
  const auto seen = pairs(100, 6, 10);  // 8 better, 2 worse
  EXPECT_GT(pairedOdds(seen, ErrorKind::Binary), 0);
  EXPECT_EQ(pairedOdds(seen.reversed(), ErrorKind::Binary), 0);
  EXPECT_EQ(pairedOdds(pairs(100, 0, 10), ErrorKind::Binary), 0);
  EXPECT_EQ(pairedOdds(ErrorSum{}, ErrorKind::Binary), 0);
}

// P(at least b of m | one half) ≤ exp(-odds), for each b above the middle.
TEST(PairedOdds, BoundsTheTailOfTheSignTest) {
  const int m = 20;
  double tail = 0, choose = 1;  // of m over m
  for (int better = m; 2 * better > m; --better) {
    tail += choose * std::pow(0.5, m);
    choose = choose * better / (m - better + 1);
    EXPECT_LE(tail, std::exp(-pairedOdds(pairs(m, 2 * better - m, m), ErrorKind::Binary)) + 1e-12)
        << better;
  }
}

TEST(PairedOdds, LossesAreJudgedByTheSpreadOfTheirDifference) {
  const auto seen = pairs(100, 100, 500);  // 1 better on average, standard deviation 2
  const double one = pairedOdds(seen, ErrorKind::Loss);
  EXPECT_GT(one, 5);
  const auto scaled = pairs(100, 1000, 50000);
  EXPECT_NEAR(pairedOdds(scaled, ErrorKind::Loss), one, 1e-9) << "whatever its unit is";
}

TEST(Sound, PairsMustBeOfTheRowsAndPossible) {
  const auto block = [](std::int64_t pairs, double gain, double squares) {
    return LabelBlock{"v2", 1, 2, 50, 10, 10, "v1", pairs, gain, squares};
  };
  EXPECT_TRUE(sound(block(0, 0, 0)));
  EXPECT_TRUE(sound(block(50, -3, 5)));
  EXPECT_FALSE(sound(block(51, 0, 0)));
  EXPECT_FALSE(sound(block(-1, 0, 0)));
  EXPECT_FALSE(sound(block(50, 30, 5))) << "a sum that these squares cannot have";
  EXPECT_FALSE(sound(block(0, 1, 1)));
  EXPECT_FALSE(sound(block(50, NAN, 5)));
}

}  // namespace
}  // namespace reprise::drift
