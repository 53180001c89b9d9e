#include <gmock/gmock.h>

#include "serving/testing/served.h"

namespace reprise::serving {
namespace {

using ServingPlanTest = ServedTest;

TEST_F(ServingPlanTest, NothingToServeIsSaidAndTheFirstVersionIsDeployed) {
  reconcile();
  EXPECT_EQ(condition("Ready").status, "False");
  EXPECT_EQ(condition("Ready").reason, "NoVersion");
  EXPECT_EQ(selected, "");
  serveFirst();
  EXPECT_EQ(selected, "fuel-1");
  EXPECT_EQ(condition("Ready").status, "True");
}

TEST_F(ServingPlanTest, VerifiedIsWhatTheMonitorsSay) {
  serveFirst();
  EXPECT_EQ(condition("Verified").reason, "GoldenRequestsPending");
  api::Pod pod;
  pod.meta.name = "one";
  pod.meta.labels[api::kVersionLabel] = "fuel-1";
  pods.push_back(pod);
  monitors["one"] = {"Passed", "8 golden requests", {}};
  reconcile();
  EXPECT_EQ(condition("Verified").status, "True");
  monitors.clear();  // the operator starts anew, and has not asked yet
  reconcile();
  EXPECT_EQ(condition("Verified").status, "True");
  monitors["one"] = {"Failed", "request 3", {}};
  reconcile();
  EXPECT_EQ(condition("Verified").reason, "GoldenRequestsFailed");
}

TEST_F(ServingPlanTest, ADeploymentAtRestWritesNothingNew) {
  serveFirst();
  const json before = last.status;
  reconcile();
  EXPECT_EQ(last.status, before);
  EXPECT_TRUE(last.events.empty());
}

TEST_F(ServingPlanTest, TheVersionIsServedInTheImageThatTrainedIt) {
  serveFirst();
  for (const auto& child : last.apply) {
    if (child["kind"] != "Deployment") continue;
    EXPECT_EQ(child["spec"]["template"]["spec"]["containers"][0]["image"],
              versions[0].spec.environment.image);
    EXPECT_EQ(child["spec"]["template"]["spec"]["securityContext"]["runAsNonRoot"], true);
  }
}

TEST_F(ServingPlanTest, NewDataAsksForOneTrainingAndItsVersionTakesOver) {
  secondKind();
  EXPECT_EQ(actions(), (std::vector<std::string>{"Deploy fuel-1", "Retrain", "Promote fuel-2"}));
  EXPECT_EQ(deployment.status.standby, std::vector<std::string>{"fuel-1"});
  EXPECT_FALSE(deployment.status.decisions.back().blindSpot.empty());
  EXPECT_FALSE(deployment.status.retrain);
}

TEST_F(ServingPlanTest, ReturningDataSwitchesToTheVersionTrainedOnItAndTrainsNothing) {
  secondKind();
  traffic(kB, 200);
  traffic(kA, 500);
  EXPECT_EQ(actions().back(), "Switch fuel-1");
  EXPECT_EQ(deployment.status.active, "fuel-1");
  EXPECT_EQ(selected, "fuel-1");
  EXPECT_FALSE(deployment.status.retrain);
  traffic(kA, 300);
  traffic(kB, 500);
  EXPECT_EQ(actions().back(), "Switch fuel-2");
  const auto all = actions();
  EXPECT_EQ(std::count(all.begin(), all.end(), "Retrain"), 1);
}

TEST_F(ServingPlanTest, ASwitchToAVersionThatStandsByIsOneReconcile) {
  secondKind();
  traffic(kB, 200);
  podsComeUp = false;  // no new Pod can start: only what stands by is ready
  traffic(kA, 500);
  EXPECT_EQ(selected, "fuel-1");
}

TEST_F(ServingPlanTest, WithoutSwitchReturningDataIsTrainedAgain) {
  deployment.spec.drift->onDrift.switch_.reset();
  secondKind();
  EXPECT_TRUE(deployment.status.standby.empty());
  now += std::chrono::seconds(10);
  traffic(kB, 200);
  traffic(kA, 600);
  EXPECT_EQ(actions().back(), "Retrain");
  EXPECT_EQ(deployment.status.active, "fuel-2");
}

TEST_F(ServingPlanTest, DataThatGoesBackDuringTheTrainingKeepsTheVersionThatFits) {
  secondKind();
  traffic(kB, 200);
  traffic(kC, 600);
  ASSERT_TRUE(deployment.status.retrain);
  traffic(kA, 600);
  EXPECT_EQ(deployment.status.active, "fuel-1") << "known data needs no training to end";
  pipelineAnswers("fuel-3", kC);
  EXPECT_EQ(deployment.status.active, "fuel-1");
  traffic(kC, 600);
  EXPECT_EQ(deployment.status.active, "fuel-3") << "kept as a candidate";
}

TEST_F(ServingPlanTest, AFailedTrainingIsGivenUpAndSaid) {
  serveFirst();
  traffic(kA, 400);
  traffic(kB, 600);
  ASSERT_TRUE(deployment.status.retrain);
  api::Run run;
  run.name = "fuel-2";
  run.triggerId = deployment.status.retrain->id;
  run.phase = "Failed";
  run.message = "StepFailed: no data";
  pipelines[0].status.runs.push_back(run);
  reconcile();
  const auto& held = deployment.status.decisions.back();
  EXPECT_TRUE(held.reason == "RetrainFailed" || held.action == "Retrain");
  EXPECT_EQ(deployment.status.active, "fuel-1");
}

TEST_F(ServingPlanTest, AnAnswerTakesOverAlsoWhereANewerVersionCameThatNobodyAskedFor) {
  serveFirst();
  traffic(kA, 400);
  traffic(kB, 600);
  ASSERT_NO_FATAL_FAILURE(pipelineStarts("fuel-2"));
  addVersion("fuel-2", kB, false).spec.lineage.run = "fuel-2";  // its gates are not through
  versions.back().status.conditions.clear();
  pipelines[0].status.runs.back().phase = "Succeeded";
  addVersion("fuel-3", kC).spec.lineage.run = "fuel-3";
  settle();
  ASSERT_TRUE(deployment.status.retrain);
  versions[1].status.conditions = {{"Available", "True", "GatesPassed", "", now, 1}};
  settle();
  EXPECT_FALSE(deployment.status.retrain);
  EXPECT_EQ(deployment.status.active, "fuel-2");
  EXPECT_EQ(actions().back(), "Promote fuel-2");
}

// Each of these would otherwise stay a request for ever, and no other could be made.
TEST_F(ServingPlanTest, ARequestEndsWhereWhatItMadeWillNotBeServed) {
  deployment.spec.drift->onDrift.retrain->cooldown = "6h";
  serveFirst();
  traffic(kA, 400);
  traffic(kB, 600);
  ASSERT_NO_FATAL_FAILURE(pipelineStarts("fuel-2"));
  const auto asked = deployment.status;
  const auto lastReason = [&] {
    EXPECT_FALSE(deployment.status.retrain);
    return deployment.status.decisions.back().reason;
  };
  pipelines[0].status.runs.back().phase = "Succeeded";
  reconcile();
  EXPECT_EQ(lastReason(), "VersionDeleted");
  ASSERT_EQ(last.gone.size(), 1u) << "it is looked up before anything is given up";
  EXPECT_EQ(last.gone[0].name, "fuel-2");

  deployment.status = asked;
  addVersion("fuel-2", kB, false).spec.lineage.run = "fuel-2";
  reconcile();
  EXPECT_EQ(lastReason(), "VersionNotAvailable");
  EXPECT_THAT(deployment.status.decisions.back().message, testing::HasSubstr("accuracy is 0.4"));

  deployment.status = asked;
  versions.back().status.conditions = {{"Available", "True", "GatesPassed", "", now, 1}};
  deployment.spec.version = {};
  deployment.spec.version.name = "fuel-1";
  reconcile();
  EXPECT_EQ(lastReason(), "VersionHeld");
  EXPECT_EQ(deployment.status.active, "fuel-1");
}

TEST_F(ServingPlanTest, WhereAVersionIsNamedDataThatAnotherIsThereForTrainsNothing) {
  secondKind();
  deployment.spec.version = {};
  deployment.spec.version.name = "fuel-2";
  traffic(kB, 200);
  traffic(kA, 600);
  EXPECT_FALSE(deployment.status.retrain);
  EXPECT_EQ(deployment.status.active, "fuel-2");
  EXPECT_EQ(deployment.status.drift->reason, "VersionHeld");
  EXPECT_THAT(deployment.status.drift->message,
              testing::HasSubstr("spec.version.name holds fuel-2"));
}

TEST_F(ServingPlanTest, DriftWithNothingToTrainSaysWhatIsMissing) {
  pipelines.clear();
  serveFirst();
  traffic(kA, 400);
  traffic(kB, 600);
  EXPECT_FALSE(deployment.status.retrain);
  EXPECT_EQ(condition("Drifted").status, "True");
  EXPECT_EQ(condition("Drifted").reason, "PipelineNotFound");
}

TEST_F(ServingPlanTest, ANewerVersionOfTheSameKindIsPromoted) {
  serveFirst();
  addVersion("fuel-2", kA);
  settle();
  EXPECT_EQ(deployment.status.active, "fuel-2");
  EXPECT_TRUE(deployment.status.standby.empty())
      << "an older version of the same kind is not kept warm";
}

TEST_F(ServingPlanTest, ANewerVersionOfAnotherKindWaitsForItsRequests) {
  serveFirst();
  addVersion("fuel-2", kB);
  settle();
  EXPECT_EQ(deployment.status.active, "fuel-1");
  traffic(kA, 400);
  traffic(kB, 600);
  EXPECT_EQ(deployment.status.active, "fuel-2");
  EXPECT_FALSE(deployment.status.retrain);
}

TEST_F(ServingPlanTest, AVersionThatFailedItsGatesIsNeverServed) {
  serveFirst();
  addVersion("fuel-2", kA, false);
  settle();
  EXPECT_EQ(deployment.status.active, "fuel-1");
}

TEST_F(ServingPlanTest, ChangedBytesAreRefusedAndTheOldVersionGoesOnServing) {
  serveFirst();
  podsComeUp = false;
  addVersion("fuel-2", kA);
  reconcile();
  reconcile();
  ASSERT_EQ(deployment.status.target, "fuel-2");
  api::Pod pod;
  pod.meta.name = "fuel-fuel-2-x";
  pod.meta.labels[api::kVersionLabel] = "fuel-2";
  api::ContainerStatus fetch;
  fetch.name = "fetch";
  fetch.init = true;
  fetch.exitCode = 1;
  fetch.terminatedMessage = R"({"reason":"ArtifactCorrupt","message":"its sha256 is 12…"})";
  pod.containers.push_back(fetch);
  pods.push_back(pod);
  settle();
  EXPECT_EQ(deployment.status.active, "fuel-1");
  EXPECT_EQ(selected, "fuel-1");
  EXPECT_EQ(deployment.status.rejected, std::vector<std::string>{"fuel-2"});
  EXPECT_EQ(condition("Stalled").reason, "ArtifactCorrupt");
  EXPECT_EQ(condition("Ready").status, "True");
  const auto all = actions();
  EXPECT_EQ(std::count(all.begin(), all.end(), "Reject fuel-1"), 1) << "once, not in a loop";
}

TEST_F(ServingPlanTest, WrongGoldenAnswersAreRefused) {
  serveFirst();
  podsComeUp = false;
  addVersion("fuel-2", kA);
  reconcile();
  api::Pod pod;
  pod.meta.name = "p2";
  pod.meta.labels[api::kVersionLabel] = "fuel-2";
  pods.push_back(pod);
  monitors["p2"] = {"Failed", "request 1: expected 3, got 4"};
  settle();
  EXPECT_EQ(deployment.status.active, "fuel-1");
  EXPECT_EQ(condition("Stalled").reason, "GoldenRequestsFailed");
}

TEST_F(ServingPlanTest, AnUnknownVersionIsAConditionAndWhatServedGoesOn) {
  serveFirst();
  deployment.spec.version = {std::nullopt, "fuel-9"};
  settle();
  EXPECT_EQ(deployment.status.active, "fuel-1");
  EXPECT_EQ(selected, "fuel-1");
  EXPECT_EQ(condition("Stalled").reason, "VersionNotFound");
  EXPECT_NE(condition("Stalled").message.find("fuel-9"), std::string::npos);
  EXPECT_EQ(condition("Ready").status, "True");
}

TEST_F(ServingPlanTest, ANamedVersionIsServedWhateverTheDataSays) {
  addVersion("fuel-1", kA);
  addVersion("fuel-2", kB);
  deployment.spec.version = {std::nullopt, "fuel-1"};
  settle();
  EXPECT_EQ(deployment.status.active, "fuel-1");
  deployment.spec.drift->onDrift.retrain.reset();
  traffic(kA, 400);
  traffic(kB, 600);
  EXPECT_EQ(deployment.status.active, "fuel-1");
}

TEST_F(ServingPlanTest, PausedDecidesNothing) {
  secondKind();
  deployment.spec.paused = true;
  traffic(kA, 600);
  EXPECT_EQ(deployment.status.active, "fuel-2");
  EXPECT_EQ(condition("Reconciling").reason, "Paused");
}

TEST_F(ServingPlanTest, OldPodsStayUntilTheirRequestsAreAnswered) {
  serveFirst();
  deployment.spec.drift.reset();
  addVersion("fuel-2", kA);
  settle();
  ASSERT_EQ(deployment.status.active, "fuel-2");
  EXPECT_EQ(children.size(), 2u);
  now += std::chrono::seconds(11);
  reconcile();
  ASSERT_EQ(children.size(), 1u);
  EXPECT_EQ(children[0].meta.name, "fuel-fuel-2");
}

TEST_F(ServingPlanTest, ATemplateWithoutAServerNamesTheField) {
  deployment.spec.template_ = {{"spec", {{"containers", json::array({{{"name", "web"}}})}}}};
  addVersion("fuel-1", kA);
  reconcile();
  EXPECT_EQ(condition("Stalled").reason, "InvalidSpec");
  EXPECT_NE(condition("Stalled").message.find("'server'"), std::string::npos);
}

}  // namespace
}  // namespace reprise::serving
