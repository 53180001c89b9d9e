#include "agent/golden.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace reprise::agent {
namespace {

using nlohmann::json;
using ::testing::HasSubstr;

std::string errorOf(std::string_view text) {
  const auto examples = parseExamples(text, "examples.jsonl");
  return examples ? "" : examples.error().message;
}

TEST(Examples, AreReadLineByLineWithTheirTolerance) {
  const auto examples = parseExamples(
      "{\"request\": {\"x\": 1}, \"response\": [2], \"tolerance\": 0.5}\n\n"
      "{\"request\": null, \"response\": 3}\r\n",
      "examples.jsonl");
  ASSERT_TRUE(examples) << examples.error().message;
  ASSERT_EQ(examples->size(), 2u);
  EXPECT_EQ((*examples)[0].request, json({{"x", 1}}));
  EXPECT_EQ((*examples)[0].response, json::array({2}));
  EXPECT_EQ((*examples)[0].tolerance, 0.5);
  EXPECT_EQ((*examples)[1].tolerance, kDefaultTolerance);
}

TEST(Examples, WhatIsWrongIsNamedWithItsLine) {
  const std::string good = "{\"request\": 1, \"response\": 2}\n";
  EXPECT_THAT(errorOf(good + "{\"request\": 1,}"),
              HasSubstr("examples.jsonl, line 2, column 15: not JSON"));
  EXPECT_THAT(errorOf(good + "[1]"), HasSubstr("line 2: must be an object"));
  EXPECT_THAT(errorOf("{\"request\": 1}"), HasSubstr("line 1: 'response' is missing"));
  EXPECT_THAT(errorOf("{\"response\": 1}"), HasSubstr("line 1: 'request' is missing"));
  EXPECT_THAT(errorOf("{\"request\": 1, \"response\": 2, \"tolerance\": -1}"),
              HasSubstr("line 1: tolerance"));
  EXPECT_THAT(errorOf("{\"request\": 1, \"response\": 2, \"tolerance\": \"1\"}"),
              HasSubstr("line 1: tolerance"));
  EXPECT_THAT(errorOf("{\"request\": 1, \"response\": 2, \"tolerence\": 1}"),
              HasSubstr("unknown member 'tolerence'"));
  EXPECT_THAT(errorOf("\n \n"), HasSubstr("has no golden request"));
}

TEST(Examples, AMissingFileIsNotFound) {
  const auto examples = readExamples("/nonexistent/examples.jsonl");
  ASSERT_FALSE(examples);
  EXPECT_EQ(examples.error().code, ErrorCode::NotFound);
}

TEST(Difference, EqualWithinTheToleranceIsEmpty) {
  EXPECT_EQ(difference({{"a", {1.0, 2}}}, {{"a", {1.0 + 1e-7, 2.0}}}, 1e-6), "");
  EXPECT_EQ(difference(1e9, 1e9 + 100, 1e-6), "") << "above 1 the tolerance is relative";
}

TEST(Difference, NamesThePathAndBothValues) {
  const json expected = {{"outputs", {{{"data", {1, 2, 0.25}}}}}};
  const json actual = {{"outputs", {{{"data", {1, 2, 0.75}}}}}};
  EXPECT_EQ(difference(expected, actual, 1e-6), "outputs[0].data[2]: expected 0.25, got 0.75");
  EXPECT_EQ(difference(1, 2, 0), "the whole response: expected 1, got 2");
}

TEST(Difference, OnlyMembersOfTheExpectedResponseCount) {
  EXPECT_EQ(difference({{"y", 1}}, {{"y", 1}, {"model_version", "fuel-2"}, {"id", "x"}}, 0), "");
  EXPECT_EQ(difference({{"y", 1}}, {{"z", 1}}, 0), "y: expected 1, got nothing");
}

TEST(Difference, TypesAndLengthsMustBeTheSame) {
  EXPECT_EQ(difference({1, 2}, {1, 2, 3}, 0), "the whole response: expected 2 elements, got 3");
  EXPECT_EQ(difference({{"y", 1}}, {{"y", "1"}}, 1), "y: expected 1, got \"1\"");
  EXPECT_EQ(difference({{"y", true}}, {{"y", 1}}, 1), "y: expected true, got 1");
  EXPECT_EQ(difference({{"y", nullptr}}, {{"y", 0}}, 1), "y: expected null, got 0");
}

TEST(Difference, LargeIntegersAreComparedExactlyWithoutATolerance) {
  EXPECT_NE(difference(9007199254740993, 9007199254740992, 0), "");
  EXPECT_EQ(difference(9007199254740993, 9007199254740993, 0), "");
}

TEST(InferencePath, IsTheProtocols) {
  EXPECT_EQ(inferencePath("v2", "fuel"), "/v2/models/fuel/infer");
  EXPECT_EQ(inferencePath("v1", "fuel"), "/v1/models/fuel:predict");
  EXPECT_EQ(inferencePath("json", "fuel"), "/");
}

}  // namespace
}  // namespace reprise::agent
