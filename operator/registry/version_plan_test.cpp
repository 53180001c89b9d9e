#include "registry/version_plan.h"

#include <gtest/gtest.h>

#include "api/codec.h"
#include "api/conditions.h"

namespace reprise::registry {
namespace {

struct VersionPlanTest : testing::Test {
  api::ModelVersion version;
  api::TrainingPipeline pipeline;
  VersionSnapshot snapshot;

  VersionPlanTest() {
    version.meta.name = "fuel-1";
    version.meta.generation = 1;
    version.spec.model = "fuel";
    version.spec.metrics = {{"accuracy", "0.93"}};
    pipeline.meta.name = "fuel";
    pipeline.spec.gates = {{"accuracy", "0.9", std::nullopt}};
  }
  api::Plan plan(bool withPipeline = true) {
    snapshot.version = std::make_shared<api::ModelVersion>(version);
    snapshot.pipeline = withPipeline ? std::make_shared<api::TrainingPipeline>(pipeline) : nullptr;
    return planVersion(snapshot);
  }
  static nlohmann::json available(const api::Plan& plan) {
    for (const auto& condition : plan.status["conditions"]) {
      if (condition["type"] == "Available") return condition;
    }
    return nullptr;
  }
};

TEST_F(VersionPlanTest, AVersionThatPassesItsGatesMayBeServed) {
  const auto condition = available(plan());
  EXPECT_EQ(condition["status"], "True");
  EXPECT_EQ(condition["reason"], "GatesPassed");
}

TEST_F(VersionPlanTest, AVersionThatFailsAGateIsKeptAndNeverServed) {
  version.spec.metrics["accuracy"] = "0.5";
  const auto result = plan();
  EXPECT_EQ(available(result)["status"], "False");
  EXPECT_EQ(available(result)["reason"], "GateFailed");
  EXPECT_NE(available(result)["message"].get<std::string>().find("at least 0.9"),
            std::string::npos);
  ASSERT_EQ(result.events.size(), 1u);
  EXPECT_TRUE(result.events[0].warning);
}

TEST_F(VersionPlanTest, GatesAreJudgedOnce) {
  version.status.conditions = {{"Available", "True", "GatesPassed", "", Time{}, 1}};
  pipeline.spec.gates = {{"accuracy", "0.99", std::nullopt}};
  const auto result = plan();
  EXPECT_EQ(available(result)["status"], "True");
  EXPECT_TRUE(result.events.empty());
}

TEST_F(VersionPlanTest, AVersionWithoutAPipelineHasNoGates) {
  EXPECT_EQ(available(plan(false))["reason"], "NoGates");
}

TEST_F(VersionPlanTest, WhoServesItIsSaid) {
  api::ModelDeployment one, other;
  one.meta.name = "front";
  one.spec.model = other.spec.model = "fuel";
  one.status.active = "fuel-1";
  other.meta.name = "back";
  other.status.active = "fuel-2";
  snapshot.deployments = {std::make_shared<api::ModelDeployment>(one),
                          std::make_shared<api::ModelDeployment>(other)};
  EXPECT_EQ(plan().status["servedBy"], nlohmann::json::array({"front"}));
}

}  // namespace
}  // namespace reprise::registry
