#include "controllers/known_version.h"

#include <gtest/gtest.h>

#include "api/codec.h"
#include "drift/testing/kinds.h"
#include "json/view.h"

namespace reprise::controllers {
namespace {

using drift::testing::rowsOf;
using nlohmann::json;

json profileJson() {
  const auto rows = rowsOf({}, 200, 1);
  const auto basis = drift::Basis::fit({"x", "y"}, rows);
  return drift::ProfileDocument{*basis, drift::testing::profileOf(*basis, rows)}.toJson();
}

json version(json profile) {
  return {{"metadata", {{"namespace", "team"}, {"name", "fuel-1"}, {"labels", {{"a", "b"}}}}},
          {"spec", {{"model", "fuel"}, {"profile", std::move(profile)}}}};
}

KnownVersion packedAndBack(const json& object) {
  auto known = decodeKnownVersion(JsonText(object));
  EXPECT_TRUE(known);
  return unpackKnownVersion(packKnownVersion(*known));
}

TEST(KnownVersion, ItsProfileComesBackWithTheTextThatPodsAreGiven) {
  const json profile = profileJson();
  const auto known = decodeKnownVersion(JsonText(version(profile)));
  ASSERT_TRUE(known && known->profile);
  EXPECT_EQ(known->profile->text, profile.dump());
  EXPECT_EQ(known->version.spec.profile, (json{{"basis", profile["basis"]}}));
  const auto back = packedAndBack(version(profile));
  ASSERT_TRUE(back.profile);
  EXPECT_EQ(back.profile->text, known->profile->text);
  EXPECT_EQ(back.profile->profile, known->profile->profile);
  EXPECT_EQ(back.profile->toJson(), known->profile->toJson());
  EXPECT_EQ(api::encode(back.version.spec), api::encode(known->version.spec));
  EXPECT_EQ(back.version.meta.name, "fuel-1");
}

TEST(KnownVersion, WithoutAProfileThereIsNone) {
  const auto back = packedAndBack(version(nullptr));
  EXPECT_FALSE(back.profile);
  EXPECT_TRUE(back.version.spec.profile.is_null());
}

TEST(KnownVersion, AProfileThatCannotBeReadStaysInTheSpec) {
  const json odd = {{"apiVersion", 99}};
  const auto back = packedAndBack(version(odd));
  EXPECT_FALSE(back.profile);
  EXPECT_EQ(back.version.spec.profile, odd);
}

}  // namespace
}  // namespace reprise::controllers
