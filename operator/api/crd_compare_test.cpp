#include "api/crd_compare.h"

#include <gtest/gtest.h>

#include "api/crd.h"

namespace reprise::api {
namespace {

using nlohmann::json;
using Paths = std::vector<std::string>;

json deployments() {
  for (const auto& kind : customResourceDefinitions()) {
    if (kind.kind == "ModelDeployment") return json::parse(kind.definition.dump());
  }
  return {};
}

json& schema(json& definition) {
  return definition["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"];
}

TEST(CrdCompare, EachKindHasAllOfItself) {
  for (const auto& kind : customResourceDefinitions()) {
    const auto definition = json::parse(kind.definition.dump());
    EXPECT_EQ(missingFrom(definition, definition), Paths{}) << kind.kind;
  }
}

TEST(CrdCompare, NamesWhatAnEarlierOneLacks) {
  const json ours = deployments();
  json theirs = ours;
  schema(theirs)["status"]["properties"].erase("routes");
  schema(theirs)["status"]["properties"]["decisions"]["items"]["properties"].erase("context");
  schema(theirs)["spec"]["properties"]["protocol"]["enum"].erase(0);
  EXPECT_EQ(missingFrom(theirs, ours),
            (Paths{"spec.protocol: v2", "status.decisions[].context", "status.routes"}));
}

TEST(CrdCompare, ALaterOneThatHasMoreLacksNothing) {
  const json ours = deployments();
  json theirs = ours;
  schema(theirs)["status"]["properties"]["later"] = {{"type", "string"}};
  theirs["spec"]["versions"].push_back({{"name", "v1"}});
  EXPECT_EQ(missingFrom(theirs, ours), Paths{});
}

TEST(CrdCompare, WhatIsNoDefinitionLacksTheVersion) {
  for (const json& theirs : {json(), json("x"), json::object(), json{{"spec", {{"versions", 1}}}}})
    EXPECT_EQ(missingFrom(theirs, deployments()), Paths{"version v1alpha1"});
}

}  // namespace
}  // namespace reprise::api
