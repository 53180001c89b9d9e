#include "pods/parts.h"

#include <gtest/gtest.h>

namespace reprise::pods {
namespace {

TEST(MergeNamed, LaysNamedEntriesOverEachOtherAndKeepsTheRest) {
  const Json base = {
      {"containers",
       Json::array({{{"name", "train"}, {"image", "a"}, {"env", Json::array({env("X", "1")})}}})}};
  const Json over = {
      {"containers",
       Json::array({{{"name", "train"}, {"env", Json::array({env("X", "2"), env("Y", "3")})}},
                    {{"name", "other"}}})}};
  const Json merged = mergeNamed(base, over);
  ASSERT_EQ(merged["containers"].size(), 2u);
  EXPECT_EQ(merged["containers"][0]["image"], "a");
  EXPECT_EQ(merged["containers"][0]["env"], Json::array({env("X", "2"), env("Y", "3")}));
}

TEST(MergeNamed, ReplacesListsOfPlainValues) {
  EXPECT_EQ(mergeNamed({{"args", {"a", "b"}}}, {{"args", {"c"}}})["args"], Json::array({"c"}));
}

TEST(MergeNamed, TwoMountsOfOneVolumeStayTwo) {
  const Json base = {{"volumeMounts", Json::array({{{"name", "v"}, {"mountPath", "/a"}}})}};
  const Json over = {{"volumeMounts", Json::array({{{"name", "v"}, {"mountPath", "/b"}}})}};
  EXPECT_EQ(mergeNamed(base, over)["volumeMounts"].size(), 2u);
}

TEST(BadPodTemplate, NamesTheFieldThatCannotBeBuiltOn) {
  const auto said = [](const char* text) {
    return badPodTemplate(Json::parse(text), "spec.template").value_or("");
  };
  EXPECT_EQ(said(R"({})"), "");
  EXPECT_EQ(said(R"({"metadata":{"labels":{"a":"b"}},"spec":{"containers":[{"name":"server"}]}})"),
            "");
  EXPECT_EQ(said(R"(7)"), "spec.template: write a Pod template, an object with metadata and spec");
  EXPECT_EQ(said(R"({"metadata":[]})"), "spec.template.metadata: must be an object");
  EXPECT_EQ(said(R"({"metadata":{"labels":"x"}})"),
            "spec.template.metadata.labels: must be an object");
  EXPECT_EQ(said(R"({"spec":null})"), "spec.template.spec: must be an object");
  for (const char* list : {R"("x")", R"([1])", R"([{}])", R"([{"name":7}])"}) {
    EXPECT_EQ(said((R"({"spec":{"containers":)" + std::string(list) + "}}").c_str()),
              "spec.template.spec.containers: must be a list of objects, each with a name");
  }
}

TEST(RestrictedPod, WhatTheUserWroteWins) {
  const Json pod = restrictedPod({{"securityContext", {{"runAsUser", 1000}}}});
  EXPECT_EQ(pod["securityContext"]["runAsUser"], 1000);
  EXPECT_EQ(pod["securityContext"]["runAsNonRoot"], true);
  EXPECT_EQ(pod["automountServiceAccountToken"], false);
}

TEST(InputFiles, ArePartOfThePodItself) {
  Json pod = {{"spec", {{"volumes", Json::array({{{"name", "mine"}}})}}}};
  addInputFiles(pod, {{"run.json", "{}"}});
  EXPECT_EQ(pod["metadata"]["annotations"]["input.reprise.dev/run.json"], "{}");
  EXPECT_EQ(pod["spec"]["volumes"].size(), 2u);
  EXPECT_EQ(pod["spec"]["volumes"][1]["downwardAPI"]["items"][0]["path"], "run.json");
}

}  // namespace
}  // namespace reprise::pods
