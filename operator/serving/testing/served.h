// A ModelDeployment and a world that does what its plans say, for tests.
#pragma once

#include "serving/plan.h"

#include <algorithm>

#include <gtest/gtest.h>

#include "api/codec.h"
#include "api/labels.h"
#include "json/view.h"
#include "serving/children.h"
#include "serving/testing/kinds.h"

namespace reprise::serving {

using nlohmann::json;

struct ServedTest : testing::Test {
  api::ModelDeployment deployment;
  std::vector<api::ModelVersion> versions;
  std::vector<api::TrainingPipeline> pipelines;
  std::map<std::string, std::shared_ptr<const KnownProfile>> profiles;
  std::vector<api::Deployment> children;
  std::vector<api::Pod> pods;
  std::map<std::string, MonitorFact> monitors;
  std::vector<drift::Window> windows;
  std::vector<drift::LabelBlock> labels;
  std::string context;   // what requests say they are
  std::string selected;  // the version that the Service sends traffic to
  bool podsComeUp = true;
  Time now{Milliseconds{1'700'000'000'000}};
  api::Plan last;
  std::vector<api::EventDraft> events;
  drift::Basis basis = *drift::Basis::fit({"x", "y"}, rowsOf(kA, 200, 1));
  unsigned seed = 100;

  ServedTest() {
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
        std::make_shared<KnownProfile>(drift::ProfileDocument{basis, std::move(profile)});
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
    out.labels = labels;
    out.monitors = monitors;
    out.settings.agentImage = "reprise:test";
    out.now = now;
    return out;
  }

  void reconcile() {
    now += Milliseconds(200);
    last = plan(snapshot());
    ASSERT_TRUE(last.status.is_object());
    auto decoded = api::decodeModelDeployment(JsonText(
        nlohmann::json{{"apiVersion", api::kApiVersion},
                       {"kind", "ModelDeployment"},
                       {"metadata", {{"name", "fuel"}, {"namespace", "team"}, {"uid", "md-uid"}}},
                       {"spec", api::encode(deployment.spec)},
                       {"status", last.status}}));
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
      if (!context.empty()) window.contexts[context] = 50;
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

  // The pipeline takes up what drift asked for; the version will have the run's name.
  void pipelineStarts(const std::string& version) {
    ASSERT_TRUE(deployment.status.retrain);
    api::Run run;
    run.name = run.version = version;
    run.purpose = "Train";
    run.trigger = "Drift";
    run.triggerId = deployment.status.retrain->id;
    run.phase = "Running";
    pipelines[0].status.runs.push_back(run);
    reconcile();
    EXPECT_EQ(deployment.status.retrain->run, version);
  }

  // Drift's run made a version.
  void pipelineAnswers(const std::string& version, double kind) {
    ASSERT_NO_FATAL_FAILURE(pipelineStarts(version));
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

}  // namespace reprise::serving
