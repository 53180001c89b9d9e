#include "registry/gates.h"

#include <gtest/gtest.h>

namespace reprise::registry {
namespace {

api::Gate atLeast(const char* metric, const char* min) { return {metric, min, std::nullopt}; }
api::Gate atMost(const char* metric, const char* max) { return {metric, std::nullopt, max}; }

TEST(Gates, PassWhereEveryNumberReachesItsLimit) {
  EXPECT_FALSE(failedGate({atLeast("accuracy", "0.9"), atMost("rmse", "3.1")},
                          {{"accuracy", "0.9"}, {"rmse", "3.1"}}));
  EXPECT_FALSE(failedGate({}, {}));
}

TEST(Gates, NameTheMetricItsValueAndTheLimit) {
  EXPECT_EQ(failedGate({atLeast("accuracy", "0.9")}, {{"accuracy", "0.89"}}).value(),
            "accuracy is 0.89, the gate asks for at least 0.9");
  EXPECT_EQ(failedGate({atMost("rmse", "3.1")}, {{"rmse", "3.2"}}).value(),
            "rmse is 3.2, the gate asks for at most 3.1");
}

TEST(Gates, AMetricThatIsMissingOrNoNumberFails) {
  EXPECT_TRUE(failedGate({atLeast("accuracy", "0.9")}, {}));
  EXPECT_TRUE(failedGate({atLeast("accuracy", "0.9")}, {{"accuracy", "high"}}));
}

}  // namespace
}  // namespace reprise::registry
