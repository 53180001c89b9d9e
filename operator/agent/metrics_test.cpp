#include "agent/metrics.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "agent/testing/folder.h"

namespace reprise::agent {
namespace {

using ::testing::HasSubstr;

std::string errorOf(const std::string& text) {
  testing_support::Folder folder;
  folder.write("metrics.json", text);
  const auto metrics = readMetrics(folder / "metrics.json");
  return metrics ? "" : metrics.error().message;
}

TEST(Metrics, AreDecimalStrings) {
  testing_support::Folder folder;
  folder.write("metrics.json", "{\"rmse\": 0.41, \"rows\": 180, \"tiny\": 1e-12, \"loss\": -2.5}");
  const auto metrics = readMetrics(folder / "metrics.json");
  ASSERT_TRUE(metrics) << metrics.error().message;
  EXPECT_EQ(*metrics, (std::map<std::string, std::string>{
                          {"rmse", "0.41"}, {"rows", "180"}, {"tiny", "1e-12"}, {"loss", "-2.5"}}));
}

TEST(Metrics, WhatIsNotJsonIsNamedWithLineAndColumn) {
  EXPECT_THAT(errorOf("{\n  \"rmse\": 0.41,\n}"),
              HasSubstr("metrics.json, line 3, column 1: not JSON"));
  EXPECT_THAT(errorOf("{\n  \"rmse\": NaN}"), HasSubstr("metrics.json, line 2, column 11"));
  EXPECT_THAT(errorOf("{\"rmse\": NaN}"), HasSubstr("NaN and Infinity are not JSON numbers"));
  EXPECT_THAT(errorOf(""), HasSubstr("metrics.json, line 1, column 1"));
}

TEST(Metrics, WhatIsNoNumberIsNamedWithItsPlace) {
  EXPECT_THAT(errorOf("{\"a\": 1,\n \"b\": \"0.5\"}"),
              HasSubstr("metrics.json, line 2, column 2: 'b' is string"));
  EXPECT_THAT(errorOf("{\"a\": {\"b\": 1}}"),
              HasSubstr("metrics.json, line 1, column 2: 'a' is object"));
  EXPECT_THAT(errorOf("{\"x\": 1, \"a\": true}"), HasSubstr("line 1, column 10: 'a' is boolean"));
  EXPECT_THAT(errorOf("{\"a\": null}"), HasSubstr("'a' is null"));
  EXPECT_THAT(errorOf("[1]"), HasSubstr("must be an object"));
  EXPECT_THAT(errorOf("{\"a\": 1e999}"), HasSubstr("metrics.json"));
}

TEST(Metrics, AMissingFileIsNotFound) {
  const auto metrics = readMetrics("/nonexistent/metrics.json");
  ASSERT_FALSE(metrics);
  EXPECT_EQ(metrics.error().code, ErrorCode::NotFound);
}

}  // namespace
}  // namespace reprise::agent
