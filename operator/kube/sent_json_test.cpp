#include "kube/sent_json.h"

#include <gtest/gtest.h>

namespace reprise::kube {
namespace {

using nlohmann::json;

TEST(SentJson, Row35_ManagedFieldsAreLeftOutWhereverTheyStand) {
  for (const char* members :
       {R"({"managedFields":[{"a":"]}\"\\"},{"b":[1,{}]}],"name":"x"})",
        R"({"name":"x","managedFields":[]})", R"({"name":"x", "managedFields" : [ {"a":1} ]})",
        R"({"managedFields":null,"name":"x"})", R"({ "managedFields":[1],"name":"x"})"}) {
    const std::string body = std::string(R"({"items":[{"metadata":)") + members +
                             R"(},{"metadata":)" + members + R"(}],"kind":"List"})";
    const json sent = parseSent(body);
    ASSERT_FALSE(sent.is_discarded()) << body;
    const json one = {{"metadata", {{"name", "x"}}}};
    EXPECT_EQ(sent, (json{{"items", {one, one}}, {"kind", "List"}})) << body;
  }
  EXPECT_EQ(parseSent(R"({"metadata":{"managedFields":[1]}})"),
            (json{{"metadata", json::object()}}));
}

TEST(SentJson, ATextThatSpeaksOfThemStaysAsItIs) {
  const json object = {{"message", R"({"managedFields":[1],"a":2})"},
                       {"a\"managedFields", {1}},
                       {"metadata", {{"name", "x"}}}};
  EXPECT_EQ(parseSent(object.dump()), object);
}

TEST(SentJson, WhatIsNoJsonIsDiscarded) {
  for (const char* body : {"", "{", R"({"managedFields":[)", R"({"managedFields":[1]},)",
                           R"({"a":1,"managedFields":["]})", R"({"managedFields":[1] "a":1})"})
    EXPECT_TRUE(parseSent(body).is_discarded()) << body;
}

}  // namespace
}  // namespace reprise::kube
