#include "kube/access_review.h"

#include <gtest/gtest.h>

#include "kube/testing/review_client.h"

namespace reprise::kube {
namespace {

constexpr const char* kAudience = "reprise.dev/drift";

struct AccessReviewTest : ::testing::Test {
  testing::ReviewClient client;

  AccessReviewTest() {
    client.tokenStatus = {{"authenticated", true},
                          {"audiences", {kAudience}},
                          {"user",
                           {{"username", "system:serviceaccount:team:mes"},
                            {"uid", "u1"},
                            {"groups", {"system:serviceaccounts"}},
                            {"extra", {{"pod", {"a", "b"}}}}}}};
  }
};

TEST_F(AccessReviewTest, AGoodTokenIsWhoTheServerSays) {
  const auto who = reviewToken(client, "secret", kAudience);
  ASSERT_TRUE(who && *who);
  EXPECT_EQ((*who)->name, "system:serviceaccount:team:mes");
  EXPECT_EQ((*who)->extra.at("pod"), (std::vector<std::string>{"a", "b"}));
  EXPECT_EQ(client.asked[0]["spec"],
            (Json{{"token", "secret"}, {"audiences", Json::array({kAudience})}}));
}

TEST_F(AccessReviewTest, ATokenForAnotherAudienceIsNone) {
  for (const Json& audiences :
       {Json::array(), Json::array({"https://kubernetes.default.svc"}), Json(), Json("x")}) {
    client.tokenStatus["audiences"] = audiences;
    const auto who = reviewToken(client, "secret", kAudience);
    ASSERT_TRUE(who);
    EXPECT_FALSE(*who) << audiences;
  }
}

TEST_F(AccessReviewTest, OnlyAClearYesIsOne) {
  for (const Json& status :
       {Json(), Json::array(), Json{{"authenticated", "true"}}, Json{{"authenticated", false}},
        Json{{"authenticated", true}, {"audiences", {kAudience}}}}) {
    client.tokenStatus = status;
    const auto who = reviewToken(client, "secret", kAudience);
    ASSERT_TRUE(who);
    EXPECT_FALSE(*who) << status;
  }
  const Deed deed{"create", "reprise.dev", "modeldeployments", "drift", "team", "fuel"};
  for (const auto& [status, allowed] :
       std::vector<std::pair<Json, bool>>{{{{"allowed", true}}, true},
                                          {{{"allowed", true}, {"denied", true}}, false},
                                          {{{"allowed", "yes"}}, false},
                                          {Json(), false}}) {
    client.accessStatus = status;
    EXPECT_EQ(*mayDo(client, {"u", "", {}, {}}, deed), allowed) << status;
  }
}

TEST_F(AccessReviewTest, AllOfTheIdentityTakesPartInWhatItMayDo) {
  client.accessStatus = {{"allowed", true}};
  const Identity who{"u", "1", {"g"}, {{"k", {"v"}}}};
  ASSERT_TRUE(
      *mayDo(client, who, {"create", "reprise.dev", "modeldeployments", "drift", "team", "fuel"}));
  EXPECT_EQ(client.asked[0]["spec"], Json::parse(R"({"user":"u","uid":"1","groups":["g"],
    "extra":{"k":["v"]},"resourceAttributes":{"verb":"create","group":"reprise.dev",
    "resource":"modeldeployments","subresource":"drift","namespace":"team","name":"fuel"}})"));
}

TEST_F(AccessReviewTest, AServerThatCannotBeAskedIsAnErrorAndNoAnswer) {
  client.broken = Error{ErrorCode::Unavailable, "away"};
  EXPECT_FALSE(reviewToken(client, "secret", kAudience));
  EXPECT_FALSE(mayDo(client, {}, {}));
}

}  // namespace
}  // namespace reprise::kube
