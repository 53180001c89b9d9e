#include "controllers/schema_check.h"

#include <gtest/gtest.h>

#include "api/crd.h"
#include "kube/testing/review_client.h"

namespace reprise::controllers {
namespace {

using kube::Json;

// An API server that has definitions, or refuses to show them.
struct Definitions : kube::testing::ReviewClient {
  std::map<std::string, Json> all;
  bool forbidden = false;
  Definitions() {
    for (const auto& kind : api::customResourceDefinitions()) {
      const auto definition = Json::parse(kind.definition.dump());
      all[definition["metadata"]["name"]] = definition;
    }
  }
  Expected<Json> get(const kube::Resource& resource, std::string_view ns,
                     std::string_view name) override {
    EXPECT_EQ(resource.path(ns, name),
              "/apis/apiextensions.k8s.io/v1/customresourcedefinitions/" + std::string(name));
    if (forbidden) return fail(ErrorCode::Forbidden, "no");
    const auto it = all.find(std::string(name));
    if (it == all.end()) return fail(ErrorCode::NotFound, "no such thing");
    return it->second;
  }
  Json& status(const std::string& name) {
    return all[name]["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["status"]
              ["properties"];
  }
};

TEST(SchemaCheck, SaysNothingWhereTheClusterHasAll) {
  Definitions client;
  SchemaCheck check(client);
  EXPECT_NE(check.problem(), "") << "before the first look nothing is known";
  EXPECT_TRUE(check.look());
  EXPECT_EQ(check.problem(), "");
  EXPECT_EQ(check.outdated(), (std::map<std::string, bool>{{"modeldeployments", false},
                                                           {"modelversions", false},
                                                           {"trainingpipelines", false}}));
}

TEST(SchemaCheck, NamesTheFieldsAndTheMendAndSeesIt) {
  Definitions client;
  const auto whole = client.all;
  client.status("modeldeployments.reprise.dev").erase("routes");
  SchemaCheck check(client);
  EXPECT_FALSE(check.look());
  EXPECT_EQ(check.problem(),
            "CustomResourceDefinition modeldeployments.reprise.dev is older than this operator and "
            "lacks status.routes; kubectl apply --server-side --force-conflicts -f "
            "charts/reprise/crds\n");
  EXPECT_TRUE(check.outdated().at("modeldeployments"));
  client.all = whole;
  EXPECT_TRUE(check.look());
  EXPECT_EQ(check.problem(), "");
}

TEST(SchemaCheck, NamesThreeOfManyFieldsAndAKindThatIsNotThere) {
  Definitions client;
  for (const char* field : {"active", "decisions", "drift", "routes"})
    client.status("modeldeployments.reprise.dev").erase(field);
  client.all.erase("modelversions.reprise.dev");
  SchemaCheck check(client);
  check.look();
  EXPECT_NE(check.problem().find("lacks status.active, status.decisions, status.drift and 1 more;"),
            std::string::npos)
      << check.problem();
  EXPECT_NE(check.problem().find("modelversions.reprise.dev is not there"), std::string::npos);
}

TEST(SchemaCheck, WithoutTheRightNothingIsKnownAndItIsReady) {
  Definitions client;
  client.forbidden = true;
  SchemaCheck check(client);
  EXPECT_FALSE(check.look()) << "it asks again";
  EXPECT_EQ(check.problem(), "");
  EXPECT_TRUE(check.outdated().empty());
}

TEST(SchemaCheck, LooksByItselfAndEnds) {
  Definitions client;
  SchemaCheck check(client);
  check.start();
  const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(10);
  while (!check.problem().empty() && std::chrono::steady_clock::now() < until)
    std::this_thread::sleep_for(Milliseconds(5));
  EXPECT_EQ(check.problem(), "");
  check.stop();
}

}  // namespace
}  // namespace reprise::controllers
