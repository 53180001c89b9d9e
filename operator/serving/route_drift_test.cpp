// Drift in the rows of one context, while others are as ever.
#include "serving/route_drift.h"

#include "serving/routing.h"
#include "serving/testing/served.h"

namespace reprise::serving {
namespace {

// fuel-1 is active and for A, fuel-2 answers what names B.
struct RouteDriftTest : ServedTest {
  RouteDriftTest() {
    deployment.spec.routing = api::RoutingSpec{api::ByContext{"x-vehicle", "vehicle"}};
    addVersion("fuel-1", kA).spec.context = {{"vehicle", "A"}};
    settle();
    addVersion("fuel-2", kB).spec.context = {{"vehicle", "B"}};
    settle();
    EXPECT_EQ(deployment.status.active, "fuel-1");
    EXPECT_EQ(route("B").version, "fuel-2");
  }
  const api::ContextRoute& route(const std::string& name) const {
    static const api::ContextRoute none{};
    for (const auto& one : deployment.status.routes) {
      if (one.context == name) return one;
    }
    ADD_FAILURE() << name;
    return none;
  }
  // Requests that name a context, answered by its version.
  void routedTraffic(const std::string& name, double kind, int count) {
    for (int done = 0; done < count; done += 50) {
      drift::Window window;
      window.servedVersion = route(name).version;
      now += Milliseconds(500);
      window.firstMs = now.time_since_epoch().count();
      now += Milliseconds(500);
      window.lastMs = now.time_since_epoch().count();
      window.profile = drift::Profile(basis);
      for (const auto& row : rowsOf(kind, 50, ++seed)) EXPECT_TRUE(window.profile.add(basis, row));
      window.contexts[name] = 50;
      windows.push_back(window);
      reconcile();
    }
  }
  // An older version for B that was made of another kind of data: fuel-3 came after it.
  void twoKindsOfB() {
    addVersion("fuel-3", kC).spec.context = {{"vehicle", "B"}};
    settle();
    ASSERT_EQ(route("B").version, "fuel-3");
    routedTraffic("B", kC, 400);
    ASSERT_EQ(route("B").drift->action, "Clear");
  }
};

TEST_F(RouteDriftTest, RowsOfTheirOwnKindAreClear) {
  routedTraffic("B", kB, 400);
  ASSERT_TRUE(route("B").drift);
  EXPECT_EQ(route("B").drift->action, "Clear") << route("B").drift->message;
  EXPECT_FALSE(route("B").drift->tolerance.empty()) << "what is normal for it is learned and kept";
  EXPECT_FALSE(deployment.status.retrain);
  EXPECT_EQ(condition("Drifted").status, "Unknown") << "the active version had no requests";
}

TEST_F(RouteDriftTest, ItSwitchesToAnotherVersionOfThatContextAndNothingElseMoves) {
  twoKindsOfB();
  context = "A";
  traffic(kA, 200);
  routedTraffic("B", kB, 400);
  EXPECT_EQ(route("B").version, "fuel-2");
  EXPECT_EQ(deployment.status.active, "fuel-1");
  EXPECT_EQ(selected, "fuel-1");
  EXPECT_FALSE(deployment.status.retrain);
  const auto& decision = deployment.status.decisions.back();
  EXPECT_EQ(decision.action, "Switch");
  EXPECT_EQ(decision.from, "fuel-3");
  EXPECT_EQ(decision.to, "fuel-2");
  EXPECT_EQ(decision.context, "B");
  EXPECT_EQ(decision.reason, "KnownData");
  EXPECT_NE(decision.message.find("context 'B'"), std::string::npos);
  EXPECT_FALSE(decision.blindSpot.empty());
  settle();
  EXPECT_EQ(route("B").version, "fuel-2") << "it stays, though fuel-3 is newer";
}

TEST_F(RouteDriftTest, TheVersionBeforeAnswersUntilTheNextOneIsReady) {
  twoKindsOfB();
  now += std::chrono::minutes(1);
  settle();
  ASSERT_EQ(deployment.status.routed, std::vector<std::string>{"fuel-3"});
  ASSERT_EQ(children.size(), 2u) << "fuel-2 runs no more";
  podsComeUp = false;
  routedTraffic("B", kB, 400);
  EXPECT_EQ(route("B").version, "fuel-3");
  EXPECT_EQ(route("B").target, "fuel-2");
  EXPECT_EQ(deployment.status.routed, (std::vector<std::string>{"fuel-3", "fuel-2"}));
  EXPECT_EQ(condition("Reconciling").reason, "RollingOut");
  EXPECT_NE(condition("Reconciling").message.find("'B'"), std::string::npos);
  podsComeUp = true;
  settle();
  EXPECT_EQ(route("B").version, "fuel-2");
  EXPECT_EQ(route("B").target, "");
}

TEST_F(RouteDriftTest, ATargetThatFailsIsGivenUpAndTheVersionBeforeGoesOn) {
  twoKindsOfB();
  now += std::chrono::minutes(1);
  settle();
  podsComeUp = false;
  routedTraffic("B", kB, 400);
  ASSERT_EQ(route("B").target, "fuel-2");
  for (auto& child : children) {
    if (child.meta.name == "fuel-fuel-2")
      child.conditions = {{"Progressing", "False", "ProgressDeadlineExceeded", "", now, 1}};
  }
  reconcile();
  EXPECT_EQ(route("B").version, "fuel-3");
  EXPECT_EQ(route("B").target, "");
  EXPECT_EQ(deployment.status.rejected, std::vector<std::string>{"fuel-2"});
  const auto& all = deployment.status.decisions;
  ASSERT_GE(all.size(), 2u);
  EXPECT_EQ(all[all.size() - 2].action, "Reject");
  EXPECT_EQ(all[all.size() - 2].context, "B");
  EXPECT_EQ(all.back().action, "Retrain") << "no version is left that fits";
}

TEST_F(RouteDriftTest, AVersionThatIsForAnyContextMayAnswerOne) {
  deployment.status.rejected = {"fuel-1"};  // no version of A stays but the active one
  addVersion("fuel-3", kC);
  settle();
  ASSERT_EQ(deployment.status.active, "fuel-1");
  routedTraffic("B", kB, 400);
  routedTraffic("B", kC, 400);
  EXPECT_EQ(route("B").version, "fuel-3");
  settle();
  EXPECT_EQ(route("B").version, "fuel-3") << "its rows are not sent back because of their name";
  routedTraffic("B", kC, 400);
  EXPECT_EQ(route("B").drift->action, "Clear") << route("B").drift->message;
}

TEST_F(RouteDriftTest, DataThatNoVersionFitsIsTrainedAndTheRunKnowsTheContext) {
  context = "A";
  traffic(kA, 400);
  routedTraffic("B", kB, 400);
  routedTraffic("B", kC, 400);
  ASSERT_TRUE(deployment.status.retrain);
  EXPECT_EQ(deployment.status.retrain->context,
            (std::map<std::string, std::string>{{"vehicle", "B"}}));
  EXPECT_EQ(deployment.status.decisions.back().context, "B");
  EXPECT_EQ(condition("Drifted").status, "True");
  EXPECT_NE(condition("Drifted").message.find("context 'B'"), std::string::npos);
  routedTraffic("B", kC, 200);
  EXPECT_EQ(route("B").drift->reason, "RetrainPending");

  api::Run run;
  run.name = run.version = "fuel-3";
  run.triggerId = deployment.status.retrain->id;
  run.phase = "Succeeded";
  pipelines[0].status.runs.push_back(run);
  auto& made = addVersion("fuel-3", kC);
  made.spec.lineage.run = "fuel-3";
  made.spec.context = {{"vehicle", "B"}};
  settle();
  EXPECT_FALSE(deployment.status.retrain);
  EXPECT_EQ(deployment.status.active, "fuel-1");
  EXPECT_EQ(route("B").version, "fuel-3");
  EXPECT_EQ(deployment.status.decisions.back().action, "Promote");
  EXPECT_FALSE(deployment.status.decisions.back().blindSpot.empty());
}

TEST_F(RouteDriftTest, WhatARunForARouteMadeWithoutAContextNeverTakesOverTheRest) {
  routedTraffic("B", kB, 400);
  routedTraffic("B", kC, 400);
  ASSERT_TRUE(deployment.status.retrain);
  api::Run run;
  run.name = run.version = "fuel-3";
  run.triggerId = deployment.status.retrain->id;
  run.phase = "Succeeded";
  pipelines[0].status.runs.push_back(run);
  addVersion("fuel-3", kC).spec.lineage.run = "fuel-3";
  settle();
  EXPECT_EQ(deployment.status.active, "fuel-1");
  routedTraffic("B", kC, 400);
  EXPECT_EQ(route("B").version, "fuel-3") << "for any, and it fits";
}

TEST_F(RouteDriftTest, TooFewRowsDecideNothing) {
  routedTraffic("B", kB, 400);
  const auto before = deployment.status.decisions.size();
  routedTraffic("B", kC, 150);
  EXPECT_EQ(deployment.status.decisions.size(), before);
  EXPECT_FALSE(deployment.status.retrain);
  EXPECT_EQ(route("B").drift->action, "Hold");
}

TEST_F(RouteDriftTest, OneActionACooldownWhicheverContextAsks) {
  deployment.spec.drift->onDrift.retrain->cooldown = "1h";
  addVersion("fuel-3", kA).spec.context = {{"vehicle", "D"}};
  settle();
  routedTraffic("B", kB, 400);
  routedTraffic("D", kA, 400);
  routedTraffic("B", kC, 400);
  ASSERT_TRUE(deployment.status.retrain);
  const auto count = actions().size();
  deployment.status.retrain.reset();  // it ended, and made nothing
  routedTraffic("D", kC, 600);
  EXPECT_EQ(route("D").drift->reason, "Cooldown");
  context = "A";
  traffic(kA, 400);
  traffic(kC, 600);
  EXPECT_EQ(deployment.status.drift->reason, "Cooldown");
  EXPECT_EQ(actions().size(), count);
  now += std::chrono::hours(1);
  routedTraffic("D", kC, 400);
  EXPECT_EQ(actions().size(), count + 1);
}

TEST_F(RouteDriftTest, NothingIsDoneWhilePaused) {
  twoKindsOfB();
  deployment.spec.paused = true;
  routedTraffic("B", kB, 400);
  EXPECT_EQ(route("B").version, "fuel-3");
  EXPECT_EQ(route("B").target, "");
}

TEST_F(RouteDriftTest, WhatServesStaysTheActiveOneWhereANewVersionIsForAnotherContext) {
  addVersion("fuel-3", kA).spec.context = {{"vehicle", "D"}};  // as if of the kind of fuel-1
  settle();
  EXPECT_EQ(deployment.status.active, "fuel-1");
  EXPECT_EQ(route("D").version, "fuel-3");
}

TEST_F(RouteDriftTest, ErrorsOnRowsOfAnotherVersionSayNothing) {
  for (auto& version : versions) version.spec.metrics = {{"error", "0.05"}, {"error_rows", "400"}};
  context = "A";
  const auto labelled = [&](double error) {
    traffic(kA, 50);
    const auto& own = windows.back();
    labels.push_back({"fuel-1", own.firstMs, own.lastMs, 50, 50 * error, 50 * error, "fuel-1"});
    // fuel-2 answers its own context well, which does not make it right for A
    labels.push_back({"fuel-2", own.firstMs, own.lastMs, 50, 2.5, 2.5, "fuel-2"});
    reconcile();
  };
  versions[0].spec.context.clear();  // for any, so that no name parts the two
  for (int i = 0; i < 6; ++i) labelled(0.05);
  for (int i = 0; i < 12; ++i) labelled(0.6);
  EXPECT_EQ(deployment.status.active, "fuel-1");
  EXPECT_NE(actions().back(), "Switch fuel-2");
}

}  // namespace
}  // namespace reprise::serving
