#include "api_fixture.h"

namespace reprise::kube {
namespace {

using resources::configMaps;

class ClientApi : public ApiTest {};

TEST_F(ClientApi, AnObjectIsMadeReadChangedAndRemoved) {
  auto made = client_->create(configMaps, ns_, configMap("a", "1"));
  ASSERT_TRUE(made) << made.error().message;
  auto read = client_->get(configMaps, ns_, "a");
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_EQ((*read)["data"]["key"], "1");
  auto patched =
      client_->mergePatch(configMaps, ns_, "a", {{"data", {{"key", nullptr}, {"other", "ü\n"}}}});
  ASSERT_TRUE(patched) << patched.error().message;
  EXPECT_EQ((*patched)["data"], (Json{{"other", "ü\n"}}));
  (*patched)["data"]["third"] = "3";
  auto replaced = client_->replace(configMaps, ns_, *patched);
  ASSERT_TRUE(replaced) << replaced.error().message;
  ASSERT_TRUE(client_->remove(configMaps, ns_, "a", {}));
  auto gone = client_->get(configMaps, ns_, "a");
  ASSERT_FALSE(gone);
  EXPECT_EQ(gone.error().code, ErrorCode::NotFound) << gone.error().message;
  EXPECT_TRUE(client_->remove(configMaps, ns_, "a", {})) << "to remove what is gone is a success";
}

TEST_F(ClientApi, WhatIsThereAlreadyIsNotAConflictAndAStaleWriteIs) {
  auto made = client_->create(configMaps, ns_, configMap("a", "1"));
  ASSERT_TRUE(made);
  auto again = client_->create(configMaps, ns_, configMap("a", "1"));
  ASSERT_FALSE(again);
  EXPECT_EQ(again.error().code, ErrorCode::AlreadyExists) << again.error().message;
  ASSERT_TRUE(client_->mergePatch(configMaps, ns_, "a", {{"data", {{"key", "2"}}}}));
  auto stale = client_->replace(configMaps, ns_, *made);
  ASSERT_FALSE(stale);
  EXPECT_EQ(stale.error().code, ErrorCode::Conflict) << stale.error().message;
  Json applied = configMap("a", "3");
  applied["metadata"]["resourceVersion"] = version(*made);
  auto staleApply = client_->apply(configMaps, ns_, applied);
  ASSERT_FALSE(staleApply);
  EXPECT_EQ(staleApply.error().code, ErrorCode::Conflict) << staleApply.error().message;
}

TEST_F(ClientApi, Row23_ApplyTakesFieldsOverOnlyWithForceAndDropsWhatItNoLongerHolds) {
  Json two = configMap("a", "1");
  two["data"]["mine"] = "x";
  ASSERT_TRUE(client_->apply(configMaps, ns_, two));
  ApplyOptions other{"", "somebody", false};
  auto refused = client_->apply(configMaps, ns_, configMap("a", "2"), other);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::Conflict);
  EXPECT_NE(refused.error().message.find("data.key"), std::string::npos) << refused.error().message;
  other.force = true;
  ASSERT_TRUE(client_->apply(configMaps, ns_, configMap("a", "2"), other));
  auto without = client_->apply(configMaps, ns_, configMap("a", "3"));
  ASSERT_TRUE(without) << without.error().message;
  EXPECT_EQ((*without)["data"], (Json{{"key", "3"}}));
  auto equal = client_->apply(configMaps, ns_, configMap("a", "3"));
  ASSERT_TRUE(equal);
  EXPECT_EQ(version(*equal), version(*without)) << "an equal apply must be no write";
}

TEST_F(ClientApi, Row22_StatusIsWrittenOnlyThroughItsSubresource) {
  const Json deployment = {
      {"apiVersion", "apps/v1"},
      {"kind", "Deployment"},
      {"metadata", {{"name", "d"}}},
      {"spec",
       {{"replicas", 0},
        {"selector", {{"matchLabels", {{"app", "d"}}}}},
        {"template",
         {{"metadata", {{"labels", {{"app", "d"}}}}},
          {"spec", {{"containers", Json::array({{{"name", "c"}, {"image", "i"}}})}}}}}}},
      {"status", {{"replicas", 7}}}};
  auto made = client_->apply(resources::deployments, ns_, deployment);
  ASSERT_TRUE(made) << made.error().message;
  EXPECT_FALSE((*made)["status"].contains("replicas"));
  Json status = {{"apiVersion", "apps/v1"},
                 {"kind", "Deployment"},
                 {"metadata", {{"name", "d"}}},
                 {"spec", {{"replicas", 9}}},
                 {"status", {{"collisionCount", 7}}}};
  auto written =
      client_->apply(resources::deployments, ns_, status, {"status", "reprise-status", true});
  ASSERT_TRUE(written) << written.error().message;
  EXPECT_EQ((*written)["status"]["collisionCount"], 7);
  EXPECT_EQ((*written)["spec"]["replicas"], 0);
}

TEST_F(ClientApi, Row07_ADeletionOfAnotherUidIsRefused) {
  auto made = client_->create(configMaps, ns_, configMap("a", "1"));
  ASSERT_TRUE(made);
  auto refused = client_->remove(configMaps, ns_, "a",
                                 {"00000000-0000-0000-0000-000000000000", "", "Background"});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::Conflict) << refused.error().message;
  EXPECT_FALSE(
      client_->remove(configMaps, ns_, "a", {(*made)["metadata"]["uid"], "1", "Background"}));
  EXPECT_TRUE(client_->remove(configMaps, ns_, "a",
                              {(*made)["metadata"]["uid"], version(*made), "Background"}));
}

TEST_F(ClientApi, AnInvalidObjectIsRefusedWithItsFieldNamed) {
  auto refused = client_->create(configMaps, ns_, configMap("Not_A_Name", "1"));
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::Invalid);
  EXPECT_NE(refused.error().message.find("metadata.name"), std::string::npos)
      << refused.error().message;
  EXPECT_EQ(refused.error().sent, Sent::No);
}

TEST_F(ClientApi, AKindThatIsNotInstalledSaysSo) {
  const Resource unknown{"unknown.example", "v1", "Thing", "things"};
  auto refused = client_->get(unknown, ns_, "a");
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::NotFound);
  auto list = client_->list(unknown, ns_);
  ASSERT_FALSE(list);
  EXPECT_NE(list.error().message.find("things"), std::string::npos) << list.error().message;
}

TEST_F(ClientApi, AListComesWholeThroughItsPages) {
  for (int i = 0; i < 7; ++i)
    ASSERT_TRUE(client_->create(configMaps, ns_, configMap("page-" + std::to_string(i), "1")));
  auto all = client_->list(configMaps, ns_, {"app=test", "", 3});
  ASSERT_TRUE(all) << all.error().message;
  ASSERT_EQ(all->size(), 7u);
  EXPECT_EQ(all->front()["kind"], "ConfigMap");
  EXPECT_TRUE(client_->list(configMaps, ns_, {"app=nobody", "", 3})->empty());
}

}  // namespace
}  // namespace reprise::kube
