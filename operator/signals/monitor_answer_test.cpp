#include "signals/monitor_answer.h"

#include <gtest/gtest.h>

#include "signals/testing/answers.h"

namespace reprise::signals {
namespace {

using nlohmann::json;

TEST(MonitorAnswer, TellsWindowsLabelsAndStrayOnes) {
  json window = windowEntry(7);
  window["contexts"] = {{"A", 6}, {"B", 4}};
  const json body = {{"instance", "one"},
                     {"golden", {{"state", "Passed"}, {"message", "3 of 3"}}},
                     {"windows", json::array({window})},
                     {"feedback", json::array({blockEntry(2, 50, 4)})},
                     {"stray", json::array({{{"seq", 3}, {"id", "r1"}, {"label", 1}}})}};
  const auto answer = parseMonitorAnswer(body.dump(), "fuel-1");
  ASSERT_TRUE(answer);
  ASSERT_EQ(answer->windows.size(), 1u);
  EXPECT_EQ(answer->windows[0].first, 7);
  EXPECT_EQ(answer->windows[0].second.servedVersion, "fuel-1");
  EXPECT_EQ(answer->windows[0].second.profile.rows(), 10);
  EXPECT_EQ(answer->windows[0].second.contexts.at("B"), 4);
  ASSERT_EQ(answer->labels.size(), 1u);
  EXPECT_EQ(answer->labels[0].second.version, "fuel-1");
  EXPECT_EQ(answer->labels[0].second.answeredBy, "fuel-1");
  EXPECT_EQ(answer->labels[0].second.n, 50);
  EXPECT_DOUBLE_EQ(answer->labels[0].second.errorSum, 4);
  ASSERT_EQ(answer->stray.size(), 1u);
  EXPECT_EQ(answer->stray[0].second, (json{{"id", "r1"}, {"label", 1}})) << "as it is passed on";
}

TEST(MonitorAnswer, WhatIsMalformedIsRefusedWhole) {
  const auto refused = [](const json& body) {
    const auto answer = parseMonitorAnswer(body.dump(), "v");
    return !answer && !answer.error().message.empty();
  };
  EXPECT_TRUE(refused(json::array()));
  EXPECT_TRUE(refused({{"windows", {{{"seq", 1}}}}}));
  EXPECT_TRUE(refused({{"windows", json::array({windowEntry(2), windowEntry(2)})}}));
  EXPECT_TRUE(refused({{"feedback", json::array({blockEntry(0, 1, 0)})}})) << "counts from 1";
  EXPECT_TRUE(refused({{"feedback", json::array({blockEntry(1, -1, 0)})}}));
  EXPECT_TRUE(refused({{"feedback", json::array({blockEntry(1, 1, -0.5)})}}));
  json window = windowEntry(1);
  window["contexts"] = {{"A", -1}};
  EXPECT_TRUE(refused({{"windows", json::array({window})}}));
  EXPECT_TRUE(parseMonitorAnswer("{\"instance\":\"a\"}", "v"));
}

TEST(Labelled, RowsKeepTheirOrder) {
  const json body = {{"instance", "one"}, {"rows", json::array({rowEntry(4), rowEntry(9)})}};
  const auto answer = parseLabelled(body.dump());
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->instance, "one");
  ASSERT_EQ(answer->rows.size(), 2u);
  EXPECT_EQ(answer->rows[1].seq, 9);
  EXPECT_EQ(answer->rows[1].atMs, 900);
  EXPECT_EQ(answer->rows[1].row, (json{{"request", {{"x", 9}}}, {"label", 1}}));
  const auto wrong = parseLabelled(
      R"({"rows":[{"seq":1,"atMs":1,"request":{},"label":[1,2],"errors":[0.5,null]}]})");
  EXPECT_EQ(wrong->rows[0].row["errors"], json::parse("[0.5,null]")) << "for POST /score";
  EXPECT_FALSE(parseLabelled(R"({"rows":[{"seq":1,"atMs":1,"request":{}}]})")) << "no label";
  EXPECT_FALSE(parseLabelled(R"({"rows":[{"seq":0,"atMs":1,"request":{},"label":1}]})"));
  EXPECT_FALSE(parseLabelled("{}"));
}

TEST(Score, MustBeNumbersThatErrorsCanHave) {
  const auto block = parseScore(R"({"n":4,"errorSum":1.5,"errorSqSum":0.9})", "fuel-2");
  ASSERT_TRUE(block);
  EXPECT_EQ(block->version, "fuel-2");
  EXPECT_EQ(block->n, 4);
  EXPECT_FALSE(parseScore(R"({"n":4,"errorSum":-1,"errorSqSum":0})", "v"));
  EXPECT_FALSE(parseScore(R"({"n":"4","errorSum":1,"errorSqSum":1})", "v"));
  EXPECT_FALSE(parseScore("nonsense", "v"));
}

TEST(Score, RowByRowItIsComparedWhereTheMonitorDoesSo) {
  const std::string sums = R"({"n":4,"errorSum":1,"errorSqSum":1)";
  EXPECT_EQ(parseScore(sums + "}", "v")->pairs, 0);
  const auto block = parseScore(sums + R"(,"pairs":3,"gainSum":-1,"gainSqSum":3})", "v");
  ASSERT_TRUE(block);
  EXPECT_EQ(block->pairs, 3);
  EXPECT_EQ(block->gainSum, -1);
  EXPECT_EQ(block->gainSqSum, 3);
  for (const char* bad :
       {R"(,"pairs":5,"gainSum":0,"gainSqSum":0})", R"(,"pairs":-1,"gainSum":0,"gainSqSum":0})",
        R"(,"pairs":2})", R"(,"pairs":2,"gainSum":"1","gainSqSum":1})",
        R"(,"pairs":2,"gainSum":1,"gainSqSum":-1})"})
    EXPECT_FALSE(parseScore(sums + bad, "v")) << bad;
}

}  // namespace
}  // namespace reprise::signals
