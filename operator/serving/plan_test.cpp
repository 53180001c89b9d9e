#include "serving/plan.h"

#include <algorithm>
#include <random>

#include <gtest/gtest.h>

#include "api/codec.h"
#include "api/labels.h"
#include "serving/children.h"

namespace reprise::serving {
namespace {

using nlohmann::json;

// Rows of one kind of data: a mean, and a correlation between the two features.
std::vector<drift::Row> rowsOf(double mean, int count, unsigned seed) {
  std::mt19937 random(seed);
  std::normal_distribution<double> normal;
  std::vector<drift::Row> rows;
  for (int i = 0; i < count; ++i)
    rows.push_back({mean + normal(random), 2 * mean + normal(random)});
  return rows;
}

constexpr double kA = 0, kB = 4, kC = -4;

// A ModelDeployment and a world that does what its plans say.
struct ServingPlanTest : testing::Test {
  api::ModelDeployment deployment;
  std::vector<api::ModelVersion> versions;
  std::vector<api::TrainingPipeline> pipelines;
  std::map<std::string, std::shared_ptr<const drift::ProfileDocument>> profiles;
  std::vector<api::Deployment> children;
  std::vector<api::Pod> pods;
  std::map<std::string, MonitorFact> monitors;
  std::vector<drift::Window> windows;
  std::string selected;  // the version that the Service sends traffic to
  bool podsComeUp = true;
  Time now{Milliseconds{1'700'000'000'000}};
  api::Plan last;
  std::vector<api::EventDraft> events;
  drift::Basis basis = *drift::Basis::fit({"x", "y"}, rowsOf(kA, 200, 1));
  unsigned seed = 100;

  ServingPlanTest() {
    deployment.meta.name = "fuel";
    deployment.meta.namespace_ = "team";
    deployment.meta.uid = "md-uid";
    deployment.meta.generation = 1;
    deployment.spec.model = "fuel";
    deployment.spec.version.auto_ = api::AutoVersion{};
    deployment.spec.template_ = {
        {"spec",
         {{"containers", json::array({{{"name", "server"},
                                       {"command", json::array({"python", "serve.py"})}}})}}}};
    api::DriftSpec drift;
    drift.source.monitor = api::MonitorSource{};
    drift.window.minSamples = 200;
    drift.onDrift.switch_ = api::SwitchReaction{1};
    drift.onDrift.retrain = api::RetrainReaction{{"fuel"}, "1s"};
    deployment.spec.drift = drift;
    pipelines.resize(1);
    pipelines[0].meta.name = "fuel";
    pipelines[0].spec.model = "fuel";
    pipelines[0].spec.triggers.drift = api::DriftTrigger{"0s"};
  }

  api::ModelVersion& addVersion(const std::string& name, double kind, bool available = true) {
    now += std::chrono::seconds(2);
    api::ModelVersion version;
    version.meta.name = name;
    version.meta.created = now;
    version.spec.model = "fuel";
    version.spec.artifact = {"pvc://models/sha256/" + std::string(64, 'a'), std::string(64, 'a'),
                             10};
    version.spec.environment.image = "registry.example.com/fuel@sha256:" + std::string(64, '1');
    version.status.conditions = {{"Available", available ? "True" : "False",
                                  available ? "GatesPassed" : "GateFailed", "accuracy is 0.4", now,
                                  1}};
    drift::Profile profile(basis);
    for (const auto& row : rowsOf(kind, 200, ++seed)) EXPECT_TRUE(profile.add(basis, row));
    auto document =
        std::make_shared<drift::ProfileDocument>(drift::ProfileDocument{basis, std::move(profile)});
    version.spec.profile = document->toJson();
    profiles[name] = document;
    versions.push_back(version);
    return versions.back();
  }

  Snapshot snapshot() const {
    Snapshot out;
    out.deployment = std::make_shared<api::ModelDeployment>(deployment);
    for (const auto& child : children)
      out.children.push_back(std::make_shared<api::Deployment>(child));
    for (const auto& pod : pods) out.pods.push_back(std::make_shared<api::Pod>(pod));
    for (const auto& version : versions)
      out.versions.push_back(std::make_shared<api::ModelVersion>(version));
    for (const auto& pipeline : pipelines)
      out.pipelines.push_back(std::make_shared<api::TrainingPipeline>(pipeline));
    out.profiles = profiles;
    out.windows = windows;
    out.monitors = monitors;
    out.settings.agentImage = "reprise:test";
    out.now = now;
    return out;
  }

  void reconcile() {
    now += Milliseconds(200);
    last = plan(snapshot());
    ASSERT_TRUE(last.status.is_object());
    auto decoded = api::decodeModelDeployment(
        {{"apiVersion", api::kApiVersion},
         {"kind", "ModelDeployment"},
         {"metadata", {{"name", "fuel"}, {"namespace", "team"}, {"uid", "md-uid"}}},
         {"spec", api::encode(deployment.spec)},
         {"status", last.status}});
    ASSERT_TRUE(decoded) << decoded.error().message;
    deployment.status = decoded->status;
    events.insert(events.end(), last.events.begin(), last.events.end());
    for (const auto& child : last.apply) {
      if (child["kind"] == "Service") selected = child["spec"]["selector"][api::kVersionLabel];
      if (child["kind"] == "Deployment") applyDeployment(child);
    }
    for (const auto& gone : last.remove) {
      std::erase_if(children,
                    [&](const api::Deployment& child) { return child.meta.uid == gone.uid; });
    }
  }

  void applyDeployment(const json& object) {
    const std::string name = object["metadata"]["name"];
    auto it = std::find_if(children.begin(), children.end(),
                           [&](const api::Deployment& child) { return child.meta.name == name; });
    if (it == children.end()) {
      api::Deployment child;
      child.meta.name = name;
      child.meta.namespace_ = "team";
      child.meta.uid = "uid-" + name;
      child.meta.generation = 1;
      it = children.insert(children.end(), child);
    }
    it->observedGeneration = 1;
    const int up = podsComeUp ? 1 : 0;
    it->replicas = 1;
    it->readyReplicas = it->availableReplicas = std::max(it->readyReplicas, up);
    it->updatedReplicas = 1;
  }

  void settle() {
    for (int i = 0; i < 8; ++i) ASSERT_NO_FATAL_FAILURE(reconcile());
  }

  // Requests of a kind, answered by the active version, in windows of 50 rows.
  void traffic(double kind, int count, double secondKind = 1e9) {
    for (int done = 0; done < count; done += 50) {
      drift::Window window;
      window.servedVersion = deployment.status.active;
      now += Milliseconds(500);
      window.firstMs = now.time_since_epoch().count();
      now += Milliseconds(500);
      window.lastMs = now.time_since_epoch().count();
      window.profile = drift::Profile(basis);
      for (const auto& row : rowsOf(secondKind < 1e8 && done % 100 ? secondKind : kind, 50, ++seed))
        EXPECT_TRUE(window.profile.add(basis, row));
      windows.push_back(window);
      reconcile();
    }
  }

  std::vector<std::string> actions() const {
    std::vector<std::string> out;
    for (const auto& one : deployment.status.decisions)
      out.push_back(one.action + (one.to.empty() ? "" : " " + one.to));
    return out;
  }

  api::Condition condition(const std::string& type) const {
    for (const auto& one : deployment.status.conditions) {
      if (one.type == type) return one;
    }
    ADD_FAILURE() << type;
    return {};
  }

  // Drift's run made a version.
  void pipelineAnswers(const std::string& version, double kind) {
    ASSERT_TRUE(deployment.status.retrain);
    api::Run run;
    run.name = version;
    run.purpose = "Train";
    run.trigger = "Drift";
    run.triggerId = deployment.status.retrain->id;
    run.phase = "Running";
    pipelines[0].status.runs.push_back(run);
    reconcile();
    EXPECT_EQ(deployment.status.retrain->run, version);
    addVersion(version, kind).spec.lineage.run = version;
    pipelines[0].status.runs.back().phase = "Succeeded";
    settle();
  }

  void serveFirst() {
    addVersion("fuel-1", kA);
    settle();
    ASSERT_EQ(deployment.status.active, "fuel-1");
  }

  void secondKind() {
    serveFirst();
    traffic(kA, 400);
    ASSERT_EQ(deployment.status.active, "fuel-1");
    traffic(kB, 600);
    pipelineAnswers("fuel-2", kB);
    ASSERT_EQ(deployment.status.active, "fuel-2");
  }
};

TEST_F(ServingPlanTest, NothingToServeIsSaidAndTheFirstVersionIsDeployed) {
  reconcile();
  EXPECT_EQ(condition("Ready").status, "False");
  EXPECT_EQ(condition("Ready").reason, "NoVersion");
  EXPECT_EQ(selected, "");
  serveFirst();
  EXPECT_EQ(selected, "fuel-1");
  EXPECT_EQ(condition("Ready").status, "True");
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
