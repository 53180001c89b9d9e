#include "agent/child.h"

#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <thread>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "agent/testing/folder.h"

namespace reprise::agent {
namespace {

using ::testing::HasSubstr;

std::vector<std::string> shell(const std::string& script) { return {"/bin/sh", "-c", script}; }

TEST(RunChild, TellsExitStatusAndTheLastLinesOfBothStreams) {
  const auto result = runChild(shell("echo out; echo err >&2; exit 3"));
  ASSERT_TRUE(result) << result.error().message;
  EXPECT_EQ(result->exitStatus, 3);
  EXPECT_EQ(result->signal, 0);
  EXPECT_THAT(result->tail, HasSubstr("out"));
  EXPECT_THAT(result->tail, HasSubstr("err"));
}

TEST(RunChild, TellsTheSignalThatEndedIt) {
  const auto result = runChild(shell("kill -KILL $$"));
  ASSERT_TRUE(result);
  EXPECT_EQ(result->signal, SIGKILL);
  EXPECT_EQ(result->exitStatus, 137);
  EXPECT_EQ(signalName(SIGKILL), "SIGKILL");
}

TEST(RunChild, ACommandThatIsNotThereOrMayNotRunIsAnError) {
  const auto missing = runChild({"/nonexistent/program"});
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().code, ErrorCode::NotFound);
  testing_support::Folder folder;
  folder.write("data", "no program");
  const auto forbidden = runChild({(folder / "data").string()});
  ASSERT_FALSE(forbidden);
  EXPECT_EQ(forbidden.error().code, ErrorCode::Forbidden);
}

TEST(RunChild, SignalsReachTheChild) {
  testing_support::Folder folder;
  const std::string started = (folder / "started").string();
  // Else the thread, which would inherit a mask that lets it through, would end this process.
  sigset_t term, before;
  sigemptyset(&term);
  sigaddset(&term, SIGTERM);
  ::pthread_sigmask(SIG_BLOCK, &term, &before);
  std::thread sender([&] {
    while (!std::filesystem::exists(started)) std::this_thread::yield();
    ::kill(::getpid(), SIGTERM);
  });
  const auto result =
      runChild(shell("trap 'exit 42' TERM; : > " + started + "; while :; do sleep 0.01; done"));
  sender.join();
  ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
  ASSERT_TRUE(result);
  EXPECT_EQ(result->exitStatus, 42);
}

TEST(RunChild, AGrandchildThatHoldsThePipesIsNotWaitedFor) {
  const auto result = runChild(shell("sleep 600 & echo $! ; exit 0"));
  ASSERT_TRUE(result);
  EXPECT_EQ(result->exitStatus, 0);
  const pid_t grandchild = std::atoi(result->tail.c_str());
  ASSERT_GT(grandchild, 0) << result->tail;
  EXPECT_EQ(::kill(grandchild, SIGKILL), 0) << "it still ran";
}

TEST(RunChild, MuchOutputPassesAndItsEndIsKept) {
  const auto result = runChild(
      shell("i=0; while [ $i -lt 3000 ]; do echo line $i; i=$((i+1)); done > /dev/stderr"));
  ASSERT_TRUE(result);
  EXPECT_THAT(result->tail, HasSubstr("line 2999"));
  EXPECT_LE(result->tail.size(), kTailBytes + 8);
}

TEST(LastLines, AreAtMostTwentyAndTwoKibibytes) {
  std::string text;
  for (int i = 0; i < 100; ++i) text += "line " + std::to_string(i) + "\n";
  const std::string last = lastLines(text);
  EXPECT_EQ(last.substr(0, last.find('\n')), "line 80");
  EXPECT_TRUE(last.ends_with("line 99"));
  EXPECT_EQ(lastLines(""), "");
  EXPECT_EQ(lastLines("one"), "one");
  EXPECT_EQ(lastLines("one\ntwo\n\n"), "one\ntwo");
  const std::string cut = lastLines(std::string(10'000, 'x'));
  EXPECT_TRUE(cut.starts_with("…x"));
  EXPECT_LE(cut.size(), kTailBytes + 8);
}

TEST(CaptureOutput, GivesStdoutOrTheReason) {
  EXPECT_EQ(captureOutput(shell("echo yes; echo no >&2"), std::chrono::seconds(60)), "yes\n");
  const auto failed = captureOutput(shell("echo why >&2; exit 1"), std::chrono::seconds(60));
  ASSERT_FALSE(failed);
  EXPECT_THAT(failed.error().message, HasSubstr("why"));
  const auto late = captureOutput({"/bin/sleep", "600"}, std::chrono::seconds(0));
  ASSERT_FALSE(late);
  EXPECT_EQ(late.error().code, ErrorCode::Timeout);
}

}  // namespace
}  // namespace reprise::agent
