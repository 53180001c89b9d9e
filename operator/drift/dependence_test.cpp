// Rows that depend on those before them, over many seeds.
#include "drift/dependence.h"

#include <cmath>

#include <gtest/gtest.h>

#include "drift/summary.h"
#include "drift/testing/decision.h"

namespace reprise::drift {
namespace {

using testing::kA;
using testing::kB;
using testing::Kind;
using testing::profileOf;

constexpr int kLook = 50;
constexpr unsigned kProcesses = 20;

// An autoregressive process of order 1: each row keeps so much of the one before it.
class Process {
 public:
  Process(double keeps, unsigned seed) : keeps_(keeps), random_(seed) {}

  std::vector<Row> rows(const Kind& kind, int count) {
    std::vector<Row> out;
    std::normal_distribution<double> normal;
    const double fresh = std::sqrt(1 - keeps_ * keeps_);
    for (int i = 0; i < count; ++i) {
      x_ = keeps_ * x_ + fresh * normal(random_);
      y_ = keeps_ * y_ + fresh * normal(random_);
      out.push_back({kind.x + x_, kind.y + y_});
    }
    return out;
  }

 private:
  double keeps_, x_ = 0, y_ = 0;
  std::mt19937 random_;
};

struct DependenceTest : testing::DecisionTest {
  // Of looks of the kinds that kindOf(i) says.
  template <class KindOf>
  double ask(double keeps, unsigned run, int looks, KindOf kindOf) {
    Process process(keeps, run + 1);
    const auto training = profileOf(basis, process.rows(kindOf(0), 1000));
    profiles.clear();
    for (int i = 0; i < looks; ++i)
      profiles.push_back(profileOf(basis, process.rows(kindOf(i), kLook)));
    std::vector<const Profile*> stretches;
    for (const auto& one : profiles) stretches.push_back(&one);
    return dependenceOf(stretches, training);
  }
  template <class KindOf>
  double mean(double keeps, int looks, KindOf kindOf) {
    double sum = 0;
    for (unsigned run = 0; run < kProcesses; ++run) sum += ask(keeps, run, looks, kindOf);
    return sum / kProcesses;
  }
};

const auto always = [](int) { return kA; };

TEST_F(DependenceTest, IndependentRowsCountAsWhatTheyAre) {
  for (int looks : {0, 1, 6, 8, 12, 40}) EXPECT_LT(mean(0, looks, always), 1.1) << looks;
}

// Against a mean over a thousand stretches far from each other. A median of few, and the least of
// three of them, is below it.
TEST_F(DependenceTest, OfAnAutoregressiveProcessTheInflationOfItsVarianceIsFound) {
  for (double keeps : {0.5, 0.8, 0.9}) {
    Process process(keeps, 1000);
    const auto training = profileOf(basis, process.rows(kA, 20'000));
    double inflation = 1;
    for (int i = 0; i < 1000; ++i) {
      const auto apart = *distance(profileOf(basis, process.rows(kA, kLook)), training);
      inflation += apart.mmd2 * kLook / summarize(training, 20'000).trace / 1000;
    }
    const double found = mean(keeps, 40, always);
    EXPECT_GT(found, 0.5 * inflation) << keeps;
    EXPECT_LT(found, 1.1 * inflation) << keeps;
    if (keeps > 0.7) {
      EXPECT_GT(mean(keeps, 8, always), 0.4 * inflation) << "few looks show it too";
    }
  }
}

TEST_F(DependenceTest, AChangeOrKindsThatTakeTurnsAreNone) {
  EXPECT_LT(mean(0, 12, [](int i) { return i < 6 ? kA : kB; }), 1.2);
  EXPECT_LT(mean(0, 40, [](int i) { return i < 20 ? kA : kB; }), 1.1);
  EXPECT_LT(mean(0, 40, [](int i) { return i % 2 ? kA : kB; }), 1.1);
  EXPECT_LT(mean(0, 40, [](int i) { return i % 6 < 3 ? kA : kB; }), 1.2);
}

TEST_F(DependenceTest, LooksOfAnotherBasisAreLeftOut) {
  const auto other = *Basis::fit({"x", "z"}, testing::rowsOf(kA, 200, 3));
  const auto training = profileOf(basis, testing::rowsOf(kA, 200, 4));
  const std::vector<Profile> strangers(12, profileOf(other, testing::rowsOf(kB, 50, 5)));
  std::vector<const Profile*> stretches;
  for (const auto& one : strangers) stretches.push_back(&one);
  EXPECT_EQ(dependenceOf(stretches, training), 1);
}

TEST_F(DependenceTest, DependentRowsThatDoNotDriftRaiseNoAlarmAndAChangeIsSeenStill) {
  int alarms = 0, actions = 0, returns = 0;
  for (unsigned run = 0; run < kProcesses; ++run) {
    Process process(0.8, run + 1);
    profiles.clear();
    candidates.clear();
    history = {};
    addProfile("v1", process.rows(kA, 1000));
    addProfile("v2", process.rows(kB, 1000));
    serve("v1");
    for (int i = 0; i < 60; ++i) {
      const auto decision = live(process.rows(kA, kLook));
      alarms += decision.drifted;
      actions += act(decision);
    }
    for (int i = 0; i < 8 && serving == "v1"; ++i) act(live(process.rows(kB, kLook)));
    returns += serving == "v2";
  }
  EXPECT_LE(alarms, 2) << "of " << kProcesses * 60 << " looks";
  EXPECT_EQ(actions, 0);
  EXPECT_EQ(returns, kProcesses);
}

}  // namespace
}  // namespace reprise::drift
