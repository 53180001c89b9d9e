#include "serving/outside.h"

#include <gtest/gtest.h>

#include "api/codec.h"
#include "api/conditions.h"
#include "api/labels.h"
#include "json/view.h"
#include "serving/plan.h"
#include "serving/testing/kinds.h"

namespace reprise::serving {
namespace {

using std::chrono::minutes;
using std::chrono::seconds;

// fuel-1 serves data of kind A; fuel-2 is kept for kind B.
struct OutsideTest : testing::Test {
  std::shared_ptr<api::ModelDeployment> deployment = std::make_shared<api::ModelDeployment>();
  Snapshot snapshot;
  api::ModelDeploymentStatus status;
  std::vector<api::EventDraft> events;
  drift::Basis basis = *drift::Basis::fit({"x", "y"}, rowsOf(kA, 200, 1));
  unsigned seed = 100;
  std::optional<double> labelError;  // of rows whose labels come at once; none come: not set

  OutsideTest() {
    snapshot.now = Time{Milliseconds{1'700'000'000'000}};
    auto& spec = deployment->spec;
    deployment->meta.name = "fuel";
    deployment->meta.uid = "md-uid";
    spec.model = "fuel";
    spec.version.auto_ = api::AutoVersion{};
    spec.template_ = {{"spec", {{"containers", {{{"name", "server"}}}}}}};
    spec.drift.emplace();
    spec.drift->source.webhook = api::WebhookSource{};
    spec.drift->window.minSamples = 200;
    spec.drift->onDrift.switch_ = api::SwitchReaction{1};
    spec.drift->onDrift.retrain = api::RetrainReaction{{"fuel"}, "6h"};
    auto pipeline = std::make_shared<api::TrainingPipeline>();
    pipeline->meta.name = "fuel";
    pipeline->spec.triggers.drift = api::DriftTrigger{"0s"};
    snapshot.pipelines = {pipeline};
    snapshot.deployment = deployment;
    snapshot.outside.webhookOn = true;
    addVersion("fuel-1", kA, "vehicle-a");
    addVersion("fuel-2", kB, "vehicle-b");
    status.active = "fuel-1";
    status.activeSince = snapshot.now;
    later(minutes(1));
  }

  void addVersion(const std::string& name, double kind, const std::string& context) {
    auto version = std::make_shared<api::ModelVersion>();
    version->meta.name = name;
    version->meta.created = snapshot.now;
    version->spec.context["vehicle"] = context;
    version->spec.model = "fuel";
    version->spec.metrics = {{"error", "0.05"}, {"error_rows", "400"}};
    version->status.conditions = {{"Available", "True", "NoGates", "", snapshot.now, 1}};
    snapshot.versions.push_back(version);
    drift::Profile profile(basis);
    for (const auto& row : rowsOf(kind, 200, ++seed)) EXPECT_TRUE(profile.add(basis, row));
    snapshot.profiles[name] =
        std::make_shared<KnownProfile>(drift::ProfileDocument{basis, profile});
  }

  void later(Milliseconds by) { snapshot.now += by; }

  std::optional<Milliseconds> listen() {
    later(Milliseconds(10));
    return listenOutside(snapshot, status, events);
  }

  OutsideEvent& event(const std::string& id, bool drifted = true) {
    snapshot.outside.events = {{id, "tool", snapshot.now, drifted, {}, {}, {}, {}}};
    return snapshot.outside.events.back();
  }

  void watchPrometheus() {
    deployment->spec.drift->source.webhook.reset();
    deployment->spec.drift->source.prometheus = {"http://p", "up", "0.5"};
  }
  void says(double value) {
    snapshot.outside.asked = true;
    snapshot.outside.value = value;
    snapshot.outside.reason = snapshot.outside.message = "";
  }

  void traffic(double kind, int count) {
    for (int done = 0; done < count; done += 50) {
      drift::Window window;
      window.servedVersion = status.active;
      later(Milliseconds(500));
      window.firstMs = snapshot.now.time_since_epoch().count();
      later(Milliseconds(500));
      window.lastMs = snapshot.now.time_since_epoch().count();
      window.profile = drift::Profile(basis);
      for (const auto& row : rowsOf(kind, 50, ++seed)) EXPECT_TRUE(window.profile.add(basis, row));
      snapshot.windows.push_back(window);
      if (labelError)
        snapshot.labels.push_back({status.active, window.firstMs, window.lastMs, 50,
                                   50 * *labelError, 50 * *labelError, status.active});
      listen();
    }
  }

  // As plan() does it once the target is ready.
  void takeOver() {
    status.active = status.target;
    status.activeSince = snapshot.now;
    status.target.clear();
  }

  std::string action() const {
    return status.decisions.empty()
               ? ""
               : status.decisions.back().action + " " + status.decisions.back().to;
  }
  std::string reason() const { return status.outside ? status.outside->reason : ""; }
  std::string result() const { return status.outside->signals.back().result; }
};

TEST_F(OutsideTest, WithoutAMonitorAnAlarmAsksForARun) {
  event("e1");
  listen();
  EXPECT_EQ(action(), "Retrain ");
  EXPECT_EQ(status.decisions.back().signal, "Webhook");
  EXPECT_EQ(status.decisions.back().reason, "OutsideAlarm");
  ASSERT_TRUE(status.retrain);
  EXPECT_EQ(status.retrain->pipeline, "fuel");
  EXPECT_EQ(result(), "Alarm");
  EXPECT_FALSE(status.outside->alarm);
}

TEST_F(OutsideTest, TheSameEventIsActedOnOnceAlsoAfterARestart) {
  event("e1").version = "fuel-2";
  listen();
  ASSERT_EQ(status.target, "fuel-2");
  takeOver();
  later(minutes(60));
  snapshot.outside.events[0].version = "fuel-1";  // the operator forgot it, the status did not
  listen();
  EXPECT_EQ(status.decisions.size(), 1u);
  EXPECT_EQ(status.outside->signals.size(), 1u);
}

TEST_F(OutsideTest, AnEventThatNamesAVersionSwitchesToIt) {
  event("e1").version = "fuel-2";
  listen();
  EXPECT_EQ(action(), "Switch fuel-2");
  EXPECT_EQ(status.decisions.back().reason, "NamedVersion");
  EXPECT_EQ(status.target, "fuel-2");
  EXPECT_FALSE(status.retrain);
}

TEST_F(OutsideTest, AnEventThatNamesAContextSwitchesToTheNewestVersionForIt) {
  addVersion("fuel-3", kB, "vehicle-b");
  event("e1").context = "vehicle-b";
  listen();
  EXPECT_EQ(action(), "Switch fuel-3");
  EXPECT_EQ(status.decisions.back().reason, "KnownContext");
}

TEST_F(OutsideTest, AContextThatNoVersionIsForIsTrained) {
  event("e1").context = "vehicle-z";
  listen();
  EXPECT_EQ(action(), "Retrain ");
  EXPECT_EQ(status.decisions.back().reason, "UnknownContext");
}

TEST_F(OutsideTest, WhatServesAlreadyAndWhatDoesNotExistIsIgnoredAndSaid) {
  event("e1").version = "fuel-1";
  listen();
  EXPECT_EQ(result(), "Ignored");
  event("e2").context = "vehicle-a";
  listen();
  EXPECT_EQ(result(), "Ignored");
  event("e3").version = "../secret";
  listen();
  EXPECT_EQ(result(), "Ignored");
  EXPECT_NE(status.outside->signals.back().message.find("kubectl get mv"), std::string::npos);
  EXPECT_TRUE(status.decisions.empty());
}

TEST_F(OutsideTest, NoMoreThanOneActionACooldownWhateverComes) {
  event("e0").version = "fuel-2";
  listen();
  takeOver();
  for (int i = 1; i < 100; ++i) {
    event("e" + std::to_string(i)).version = status.active == "fuel-1" ? "fuel-2" : "fuel-1";
    const auto again = listen();
    EXPECT_TRUE(again) << i;
    EXPECT_EQ(reason(), "Cooldown");
    later(seconds(5));
  }
  EXPECT_EQ(status.decisions.size(), 1u) << "10 minutes are not over";
  EXPECT_LE(status.outside->signals.size(), 16u);
  later(minutes(2));
  snapshot.outside.events.clear();
  listen();
  EXPECT_EQ(action(), "Switch fuel-1") << "the last wish is carried out then";
}

TEST_F(OutsideTest, ACooldownAtRestWritesNothing) {
  event("e0").version = "fuel-2";
  listen();
  takeOver();
  event("e1");
  listen();
  const auto before = api::encode(status);
  later(seconds(7));
  listen();
  EXPECT_EQ(api::encode(status), before);
}

TEST_F(OutsideTest, TrainingsKeepTheirOwnCooldown) {
  event("e1");
  listen();
  status.retrain.reset();  // it ended
  later(minutes(11));
  event("e2");
  ASSERT_TRUE(listen());
  EXPECT_EQ(reason(), "Cooldown");
  status.decisions.clear();  // pushed out by others
  listen();
  EXPECT_EQ(reason(), "Cooldown");
  later(std::chrono::hours(6));
  listen();
  EXPECT_EQ(action(), "Retrain ");
}

TEST_F(OutsideTest, AnAlarmThatIsTakenBackInTimeDoesNothing) {
  deployment->spec.paused = true;
  event("e1");
  listen();
  ASSERT_TRUE(status.outside->alarm);
  EXPECT_EQ(reason(), "Paused");
  event("e2", false).source = "another";
  listen();
  EXPECT_TRUE(status.outside->alarm) << "one source does not clear what another says";
  event("e3", false);
  listen();
  EXPECT_EQ(result(), "Cleared");
  deployment->spec.paused = false;
  snapshot.outside.events.clear();
  listen();
  EXPECT_TRUE(status.decisions.empty());
}

TEST_F(OutsideTest, WithAMonitorTheRowsAnswerAndAKeptVersionThatFitsTakesOver) {
  deployment->spec.drift->source.monitor = api::MonitorSource{};
  traffic(kA, 200);
  event("e1");
  listen();
  EXPECT_EQ(reason(), "CollectingRows");
  traffic(kB, 200);
  EXPECT_EQ(action(), "Switch fuel-2");
  EXPECT_EQ(status.decisions.back().reason, "AlarmKnownData");
}

TEST_F(OutsideTest, WithAMonitorRowsThatNoKeptVersionFitsAreTrained) {
  deployment->spec.drift->source.monitor = api::MonitorSource{};
  event("e1");
  listen();
  traffic(kC, 200);
  EXPECT_EQ(action(), "Retrain ");
  EXPECT_EQ(status.decisions.back().reason, "AlarmUnknownData");
}

TEST_F(OutsideTest, AnAlarmIsNotClearedBecauseTheInputsLookEqual) {
  deployment->spec.drift->source.monitor = api::MonitorSource{};
  event("e1");
  listen();
  traffic(kA, 200);
  EXPECT_EQ(action(), "Retrain ");
  EXPECT_EQ(status.decisions.back().reason, "AlarmSameInputs");
}

TEST_F(OutsideTest, LabelsThatSayTheErrorIsAsItWasHoldTheAlarm) {
  deployment->spec.drift->source.monitor = api::MonitorSource{};
  labelError = 0.05;
  traffic(kA, 300);
  event("e1");
  listen();
  traffic(kA, 300);
  EXPECT_EQ(action(), "");
  EXPECT_EQ(reason(), "LabelsAgree");
  EXPECT_TRUE(status.outside->alarm) << "it is held, not answered";
  EXPECT_EQ(outsideDrift(snapshot, status)->status, std::string("False"));
  const auto before = api::encode(status);
  traffic(kA, 100);
  EXPECT_EQ(api::encode(status), before) << "nothing is written while it is held";

  event("e2").version = "fuel-2";
  listen();
  EXPECT_EQ(action(), "Switch fuel-2") << "a version that is named is obeyed";
}

TEST_F(OutsideTest, LabelsHoldAnAlarmWhereTheRowsFitAnotherVersionToo) {
  deployment->spec.drift->source.monitor = api::MonitorSource{};
  labelError = 0.05;
  traffic(kA, 300);
  event("e1");
  listen();
  later(std::chrono::milliseconds(1));
  deployment->spec.paused = true;  // so that both have come before anything is decided
  traffic(kB, 300);
  deployment->spec.paused = false;
  listen();
  EXPECT_EQ(reason(), "LabelsAgree");
  EXPECT_EQ(action(), "");
}

TEST_F(OutsideTest, LabelsHoldAnAlarmOfPrometheusWithoutAMonitor) {
  watchPrometheus();
  labelError = 0.05;
  traffic(kA, 300);
  says(1);
  listen();
  EXPECT_EQ(reason(), "CollectingLabels");
  traffic(kA, 300);
  EXPECT_EQ(reason(), "LabelsAgree");
  EXPECT_EQ(action(), "");
  says(0);
  listen();
  EXPECT_FALSE(status.outside) << "and it is over when Prometheus says so";
}

TEST_F(OutsideTest, LabelsThatSayTheErrorRoseHoldNothing) {
  deployment->spec.drift->source.monitor = api::MonitorSource{};
  labelError = 0.05;
  traffic(kA, 300);
  event("e1");
  listen();
  labelError = 0.6;
  traffic(kA, 400);
  EXPECT_EQ(action(), "Retrain ");
  EXPECT_EQ(status.decisions.back().reason, "AlarmSameInputs");
}

TEST_F(OutsideTest, LabelsThatComeAreWaitedForBeforeATrainingButNotForEver) {
  deployment->spec.drift->source.monitor = api::MonitorSource{};
  labelError = 0.05;
  traffic(kA, 300);
  labelError.reset();  // they are late
  event("e1");
  listen();
  traffic(kA, 200);
  EXPECT_EQ(reason(), "CollectingLabels");
  EXPECT_TRUE(listen()) << "it looks again, though nothing comes";
  traffic(kA, 600);
  EXPECT_EQ(action(), "Retrain ");
}

TEST_F(OutsideTest, ASwitchThatTheRowsAskForWaitsForNoLabels) {
  deployment->spec.drift->source.monitor = api::MonitorSource{};
  labelError = 0.05;
  traffic(kA, 300);
  labelError.reset();
  event("e1");
  listen();
  traffic(kB, 200);
  EXPECT_EQ(action(), "Switch fuel-2");
}

TEST_F(OutsideTest, WhatTheRowsDecidedMeanwhileAnswersTheAlarm) {
  deployment->spec.drift->source.monitor = api::MonitorSource{};
  event("e1");
  listen();
  api::DecisionRecord own;
  own.action = "Switch";
  own.time = snapshot.now + seconds(1);
  status.decisions.push_back(own);
  snapshot.outside.events.clear();
  listen();
  EXPECT_FALSE(status.outside->alarm);
  EXPECT_EQ(status.decisions.size(), 1u);
}

TEST_F(OutsideTest, AValueAboveTheThresholdIsAnAlarmUntilItIsNot) {
  watchPrometheus();
  deployment->spec.paused = true;
  says(0.5);
  listen();
  EXPECT_FALSE(status.outside) << "at the threshold is not above it";
  says(0.51);
  listen();
  ASSERT_TRUE(status.outside->alarm);
  EXPECT_EQ(status.outside->alarm->source, "Prometheus");
  says(0.4);
  listen();
  EXPECT_FALSE(status.outside);
  deployment->spec.paused = false;
  says(std::numeric_limits<double>::infinity());
  listen();
  EXPECT_EQ(action(), "Retrain ");
  EXPECT_EQ(status.decisions.back().signal, "Prometheus");
}

TEST_F(OutsideTest, AnErrorOfPrometheusNeitherRaisesNorClearsAnAlarm) {
  watchPrometheus();
  deployment->spec.paused = true;
  says(1);
  listen();
  snapshot.outside.value.reset();
  snapshot.outside.reason = "PrometheusUnreachable";
  listen();
  EXPECT_TRUE(status.outside->alarm);
  EXPECT_EQ(hearing(snapshot)->reason, "PrometheusUnreachable");
}

TEST_F(OutsideTest, WhatCannotBeDoneIsSaidAndDoneOnceItCan) {
  auto pipelines = std::exchange(snapshot.pipelines, {});
  event("e1");
  listen();
  EXPECT_EQ(reason(), "PipelineNotFound");
  snapshot.outside.events.clear();
  snapshot.pipelines = pipelines;
  listen();
  EXPECT_EQ(action(), "Retrain ");

  status = {};
  status.active = "fuel-1";
  deployment->spec.drift->onDrift.switch_.reset();
  event("e2").version = "fuel-2";
  listen();
  EXPECT_EQ(reason(), "NoSwitch");
  deployment->spec.drift->onDrift.switch_ = api::SwitchReaction{1};
  deployment->spec.version = {std::nullopt, "fuel-1"};
  listen();
  EXPECT_EQ(reason(), "VersionHeld");
  EXPECT_TRUE(status.decisions.empty());
}

TEST_F(OutsideTest, ThePlanSaysWhetherItCanHearAndForgetsWhatIsNoLongerAsked) {
  const auto conditionOf = [&](const char* type) -> std::string {
    deployment->status = status;
    const auto out = plan(snapshot);
    deployment->status =
        api::decodeModelDeployment(JsonText(nlohmann::json{{"metadata", {{"name", "fuel"}}},
                                                           {"spec", api::encode(deployment->spec)},
                                                           {"status", out.status}}))
            ->status;
    const auto* found = api::findCondition(deployment->status.conditions, type);
    return found ? found->status + " " + found->reason : "";
  };
  EXPECT_EQ(conditionOf("SignalsReady"), "True Listening");
  EXPECT_EQ(conditionOf("Drifted"), "False NoAlarm");
  snapshot.outside.webhookOn = false;
  EXPECT_EQ(conditionOf("SignalsReady"), "False WebhookOff");
  EXPECT_EQ(conditionOf("Drifted"), "Unknown WebhookOff");
  snapshot.outside.webhookOn = true;
  snapshot.outside.keyReason = "SecretNotFound";
  EXPECT_EQ(conditionOf("SignalsReady"), "False SecretNotFound");
  EXPECT_TRUE(plan(snapshot).lookAgain) << "a Secret is not watched";
  snapshot.outside.keyReason.clear();
  watchPrometheus();
  EXPECT_EQ(conditionOf("SignalsReady"), "Unknown NotAsked");
  says(0);
  EXPECT_EQ(conditionOf("SignalsReady"), "True Listening");
  says(1);
  EXPECT_EQ(conditionOf("Drifted"), "True RetrainPending");
  EXPECT_TRUE(deployment->status.outside);
  status = deployment->status;
  deployment->spec.drift->source = {api::MonitorSource{}, {}, {}};
  EXPECT_EQ(conditionOf("SignalsReady"), "");
  EXPECT_FALSE(deployment->status.outside);
}

}  // namespace
}  // namespace reprise::serving
