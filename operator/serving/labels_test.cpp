// Labels: where the inputs show nothing, versions' errors on labelled rows decide.
#include "serving/shadows.h"
#include "serving/testing/served.h"

namespace reprise::serving {
namespace {

struct ServingLabelsTest : ServedTest {
  // Rows of data A as ever; their labels say how wrong each version is.
  void labelled(int rows, std::map<std::string, double> errors) {
    for (int done = 0; done < rows; done += 50) {
      traffic(kA, 50);
      const auto& window = windows.back();
      for (const auto& [version, error] : errors)
        labels.push_back({version, window.firstMs, window.lastMs, 50, 50 * error, 50 * error});
      reconcile();
    }
  }
  // Two versions of one kind of inputs, with two rules.
  void twoRules() {
    addVersion("fuel-1", kA).spec.metrics = {{"error", "0.05"}, {"error_rows", "400"}};
    settle();
    addVersion("fuel-2", kA).spec.metrics = {{"error", "0.05"}, {"error_rows", "400"}};
    settle();
    ASSERT_EQ(deployment.status.active, "fuel-2") << "newer data of the same kind";
  }
};

TEST_F(ServingLabelsTest, ARisingErrorSwitchesToTheVersionThatKnowsTheRule) {
  twoRules();
  labelled(300, {{"fuel-2", 0.05}});
  EXPECT_EQ(deployment.status.active, "fuel-2");
  EXPECT_EQ(deployment.status.drift->error, "0.0500");
  EXPECT_EQ(deployment.status.drift->referenceError, "0.0500");
  labelled(300, {{"fuel-2", 0.6}});
  EXPECT_EQ(deployment.status.drift->action, "Hold");
  EXPECT_EQ(deployment.status.shadows, std::vector<std::string>{"fuel-1"})
      << "it runs to be scored";
  labelled(200, {{"fuel-2", 0.6}, {"fuel-1", 0.05}});
  EXPECT_EQ(actions().back(), "Switch fuel-1");
  EXPECT_EQ(deployment.status.active, "fuel-1");
  EXPECT_TRUE(deployment.status.shadows.empty());
  EXPECT_FALSE(deployment.status.retrain);
}

TEST_F(ServingLabelsTest, ATrainingIsAskedForWhereNoVersionKnowsTheRule) {
  twoRules();
  labelled(300, {{"fuel-2", 0.05}});
  labelled(300, {{"fuel-2", 0.6}});
  EXPECT_FALSE(deployment.status.retrain) << "fuel-1 has not been scored yet";
  labelled(600, {{"fuel-2", 0.6}, {"fuel-1", 0.7}});
  EXPECT_EQ(actions().back(), "Retrain");
  EXPECT_EQ(deployment.status.active, "fuel-2");
}

TEST_F(ServingLabelsTest, AVersionThatCannotBeScoredHoldsATrainingBackForAWhileOnly) {
  twoRules();
  labelled(300, {{"fuel-2", 0.05}});
  labelled(600, {{"fuel-2", 0.6}});
  EXPECT_EQ(deployment.status.drift->reason, "ScoringVersions");
  EXPECT_EQ(condition("Drifted").reason, "ScoringVersions");
  ASSERT_TRUE(last.lookAgain) << "nothing else may wake it";
  now += kScoringLimit;
  labelled(50, {{"fuel-2", 0.6}});
  EXPECT_EQ(actions().back(), "Retrain");
}

TEST_F(ServingLabelsTest, LabelsOfRowsBeforeTheSwitchSayNothingAboutNow) {
  twoRules();
  labelled(300, {{"fuel-2", 0.05}});
  labels.push_back({"fuel-2", 1, 2, 5000, 5000, 5000});
  labelled(200, {{"fuel-2", 0.05}});
  EXPECT_EQ(deployment.status.drift->action, "Clear");
}

}  // namespace
}  // namespace reprise::serving
