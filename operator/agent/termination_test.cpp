#include "agent/termination.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "agent/testing/folder.h"

namespace reprise::agent {
namespace {

using nlohmann::json;
using ::testing::EndsWith;
using ::testing::StartsWith;

TEST(Termination, IsOneJsonObjectWithReasonMessageAndMore) {
  Ending ending = ended("StepFailed", "step train failed", 1);
  ending.more["environment"] = {{"python", "3.11.2"}};
  EXPECT_EQ(json::parse(terminationJson(ending)), json({{"reason", "StepFailed"},
                                                        {"message", "step train failed"},
                                                        {"environment", {{"python", "3.11.2"}}}}));
}

TEST(Termination, ALongMessageKeepsHeadAndTailWithinTheKubeletsLimit) {
  const Ending ending = ended("StepFailed", "head" + std::string(10'000, '"') + "tail", 1);
  const std::string text = terminationJson(ending);
  EXPECT_LE(text.size(), kTerminationBytes);
  const std::string message = json::parse(text)["message"];
  EXPECT_THAT(message, StartsWith("head"));
  EXPECT_THAT(message, EndsWith("tail"));
}

TEST(Termination, MoreThatLeavesNoRoomIsLeftOut) {
  Ending ending = ended("Verified", "fine");
  ending.more["metrics"] = std::string(5000, 'x');
  const std::string text = terminationJson(ending);
  EXPECT_LE(text.size(), kTerminationBytes);
  EXPECT_EQ(json::parse(text), json({{"reason", "Verified"}, {"message", "fine"}}));
}

TEST(Termination, BytesThatAreNoUtf8AreReplaced) {
  EXPECT_EQ(asUtf8("a\xff"
                   "b\xc3"),
            "a?b?");
  EXPECT_EQ(asUtf8("naïve"), "naïve");
  EXPECT_TRUE(json::accept(terminationJson(ended("X", "\xff\xfe", 1))));
}

TEST(Termination, ReportWritesTheLogAndReturnsTheExitCode) {
  testing_support::Folder folder;
  EXPECT_EQ(report(ended("StepFailed", "no", 3), folder / "log"), 3);
  EXPECT_EQ(json::parse(folder.read("log"))["reason"], "StepFailed");
  EXPECT_EQ(report(ended("StepFailed", "no", 3), ""), 3);
  EXPECT_EQ(report(ended("StepFailed", "no", 3), "/nonexistent/log"), 3)
      << "a log that cannot be written changes nothing";
}

}  // namespace
}  // namespace reprise::agent
