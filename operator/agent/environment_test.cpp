#include "agent/environment.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace reprise::agent {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

Environment with(const std::string& python, std::map<std::string, std::string> packages) {
  return {python, std::move(packages), "linux/amd64"};
}

std::string mismatch(const Environment& environment, const std::string& python,
                     const std::string& lock) {
  const auto pins = parsePackagePins(lock, "requirements.txt");
  EXPECT_TRUE(pins) << pins.error().message;
  return pinMismatch(environment, python, *pins);
}

TEST(PackageNames, AreComparedAsPep503Says) {
  EXPECT_EQ(normalizePackage("Scikit_Learn"), "scikit-learn");
  EXPECT_EQ(normalizePackage("zope.interface"), "zope-interface");
  EXPECT_EQ(normalizePackage("a-_-b"), "a-b");
}

TEST(Environment, SurvivesJson) {
  const Environment environment = with("3.11.2", {{"numpy", "1.26.4"}});
  const auto again = environmentFromJson(toJson(environment), "environment.json");
  ASSERT_TRUE(again);
  EXPECT_EQ(again->python, "3.11.2");
  EXPECT_EQ(again->packages, environment.packages);
  EXPECT_EQ(again->packagesSha256(), environment.packagesSha256());
  EXPECT_FALSE(environmentFromJson({{"packages", {{"numpy", 1}}}}, "environment.json"));
  EXPECT_FALSE(environmentFromJson({{"python", 3.11}}, "environment.json"));
  EXPECT_FALSE(environmentFromJson(nlohmann::json::array({1}), "environment.json"));
}

TEST(Pins, OptionsCommentsHashesAndMarkersAreUnderstood) {
  const auto pins = parsePackagePins(
      "# a lock\n-r other.txt\nnumpy==1.26.4 \\\n    --hash=sha256:abc \\\n    --hash=sha256:def\n"
      "Scikit_Learn == 1.4.* # why\ntomli==2.0 ; python_version < "
      "'3.11'\nrequests[socks]==2.31.0\n",
      "requirements.txt");
  ASSERT_TRUE(pins) << pins.error().message;
  ASSERT_EQ(pins->size(), 4u);
  EXPECT_EQ((*pins)[0].name, "numpy");
  EXPECT_EQ((*pins)[0].version, "1.26.4");
  EXPECT_EQ((*pins)[1].name, "scikit-learn");
  EXPECT_EQ((*pins)[1].version, "1.4.*");
  EXPECT_TRUE((*pins)[2].conditional);
  EXPECT_EQ((*pins)[3].name, "requests");
}

TEST(Pins, WhatDoesNotPinIsRefusedWithItsLine) {
  const auto pins = parsePackagePins("numpy==1.26.4\npandas>=2\n", "requirements.txt");
  ASSERT_FALSE(pins);
  EXPECT_THAT(pins.error().message, HasSubstr("requirements.txt, line 2"));
  EXPECT_THAT(pins.error().message, HasSubstr("pandas>=2"));
}

TEST(Mismatch, IsEmptyWhereThePinHolds) {
  const Environment environment = with("3.11.2", {{"numpy", "1.26.4"}, {"torch", "2.3.0+cpu"}});
  EXPECT_EQ(mismatch(environment, "", ""), "");
  EXPECT_EQ(mismatch(environment, "3.11", "numpy==1.26.4\ntorch==2.3\n"), "");
  EXPECT_EQ(mismatch(environment, "3.11.2", "numpy==1.26.*\ntomli==2.0; python_version < '3.11'\n"),
            "");
}

TEST(Mismatch, NamesWhatIsThereAndWhatWasAsked) {
  const Environment environment = with("3.11.2", {{"numpy", "2.2.0"}});
  EXPECT_THAT(mismatch(environment, "3.1", ""),
              HasSubstr("python is 3.11.2, spec.environment.python asks for 3.1"));
  EXPECT_THAT(mismatch(environment, "", "numpy==1.26.4\n"),
              HasSubstr("numpy is 2.2.0 (asked: 1.26.4)"));
  EXPECT_THAT(mismatch(environment, "", "joblib==1.4.0\n"),
              HasSubstr("joblib is missing (asked: 1.4.0)"));
  EXPECT_THAT(mismatch(with("", {}), "3.11", ""), HasSubstr("the image has no python"));
}

TEST(Changes, ArePythonFirstThenPackagesByName) {
  EXPECT_THAT(
      changesBetween(with("3.11.2", {{"numpy", "1.26.4"}, {"joblib", "1.4.0"}, {"same", "1"}}),
                     with("3.13.5", {{"numpy", "2.2.0"}, {"same", "1"}, {"new", "1"}})),
      ElementsAre("python 3.11.2 → 3.13.5", "joblib 1.4.0 → none", "new none → 1",
                  "numpy 1.26.4 → 2.2.0"));
  EXPECT_THAT(
      changesBetween(with("3.11.2", {{"a", "1"}, {"b", "1"}, {"c", "1"}}), with("3.11.2", {}), 2),
      ElementsAre("a 1 → none", "b 1 → none", "and 1 more"));
}

}  // namespace
}  // namespace reprise::agent
