// Requests that name their kind of data.
#include "serving/routing.h"

#include "serving/testing/served.h"

namespace reprise::serving {
namespace {

struct RoutingTest : ServedTest {
  RoutingTest() {
    deployment.spec.routing = api::RoutingSpec{api::ByContext{"x-vehicle", "vehicle"}};
  }
  void podOf(const std::string& version, const std::string& name, const std::string& ip) {
    api::Pod pod;
    pod.meta.name = name;
    pod.meta.uid = "uid-" + name;
    pod.meta.labels[api::kVersionLabel] = version;
    pod.podIP = ip;
    pod.phase = "Running";
    pod.ready = true;
    pods.push_back(pod);
  }
  void twoContexts() {
    addVersion("fuel-1", kA).spec.context = {{"vehicle", "A"}};
    settle();
    addVersion("fuel-2", kB).spec.context = {{"vehicle", "B"}};
    settle();
    ASSERT_EQ(deployment.status.active, "fuel-1");
  }
  json table(const std::string& pod) {
    const auto tables = routeTables(snapshot());
    return json::parse(tables.at("uid-" + pod))["routes"];
  }
};

TEST_F(RoutingTest, TheNewestVersionOfEachContextRunsBesideTheActiveOne) {
  twoContexts();
  EXPECT_EQ(deployment.status.routed, std::vector<std::string>{"fuel-2"});
  EXPECT_EQ(children.size(), 2u);
  EXPECT_EQ(selected, "fuel-1");
  addVersion("fuel-3", kB).spec.context = {{"vehicle", "B"}};
  settle();
  EXPECT_EQ(deployment.status.routed, std::vector<std::string>{"fuel-3"});
}

TEST_F(RoutingTest, EachMonitorIsToldWhereOtherContextsGo) {
  twoContexts();
  podOf("fuel-1", "a", "10.0.0.1");
  podOf("fuel-2", "b", "10.0.0.2");
  podOf("fuel-2", "c", "fd00::3");
  EXPECT_EQ(table("a").size(), 1u);
  EXPECT_EQ(table("a")["B"], "10.0.0.2:9090");
  EXPECT_EQ(table("b"), (json{{"A", "10.0.0.1:9090"}}));
  pods[1].ready = false;
  EXPECT_EQ(table("a")["B"], "[fd00::3]:9090");
  pods[2].ready = false;
  EXPECT_TRUE(table("a").empty()) << "until a Pod is ready, the active version answers";
}

TEST_F(RoutingTest, TheMonitorReadsTheHeaderAndKnowsWhoSetsItsRoutes) {
  twoContexts();
  for (const auto& child : last.apply) {
    if (child["kind"] != "Deployment") continue;
    const auto& monitor = child["spec"]["template"]["spec"]["containers"][1];
    ASSERT_EQ(monitor["name"], "monitor");
    const auto args = monitor["args"].get<std::vector<std::string>>();
    const auto header = std::find(args.begin(), args.end(), "--context-header");
    ASSERT_NE(header, args.end());
    EXPECT_EQ(*(header + 1), "x-vehicle");
    EXPECT_EQ(monitor["env"][0]["value"], routesToken(deployment));
  }
}

TEST_F(RoutingTest, AContextThatNoVersionIsForIsTrainedAndNamed) {
  twoContexts();
  context = "A";
  traffic(kA, 400);
  context = "C";
  traffic(kC, 400);
  ASSERT_TRUE(deployment.status.retrain);
  EXPECT_EQ(deployment.status.retrain->context,
            (std::map<std::string, std::string>{{"vehicle", "C"}}));
  api::Run run;
  run.name = run.version = "fuel-3";
  run.triggerId = deployment.status.retrain->id;
  run.phase = "Succeeded";
  pipelines[0].status.runs.push_back(run);
  auto& made = addVersion("fuel-3", kC);
  made.spec.lineage.run = "fuel-3";
  made.spec.context = {{"vehicle", "C"}};
  settle();
  EXPECT_FALSE(deployment.status.retrain);
  EXPECT_EQ(deployment.status.active, "fuel-1") << "other requests stay where they are";
  EXPECT_EQ(deployment.status.routed, (std::vector<std::string>{"fuel-3", "fuel-2"}));
}

TEST_F(RoutingTest, WithoutRoutingNothingIsRouted) {
  deployment.spec.routing.reset();
  serveFirst();
  addVersion("fuel-2", kB).spec.context = {{"vehicle", "B"}};
  settle();
  EXPECT_TRUE(deployment.status.routed.empty());
  EXPECT_TRUE(routeTables(snapshot()).empty());
}

}  // namespace
}  // namespace reprise::serving
