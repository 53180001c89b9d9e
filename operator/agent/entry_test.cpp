#include "agent/entry.h"

#include <sys/stat.h>

#include <cstdlib>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "agent/inspect.h"
#include "agent/install.h"
#include "agent/testing/folder.h"

namespace reprise::agent {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;
using ::testing::HasSubstr;

// A python3 that tells what the test says about itself, first in PATH.
class Entry : public ::testing::Test {
 protected:
  void SetUp() override {
    before_ = std::getenv("PATH");
    ::setenv("PATH", ((folder / "bin").string() + ":" + before_).c_str(), 1);
    havePython("3.11.2", {{"numpy", "1.26.4"}});
    options.step = "train";
    options.output = folder / "output";
    options.command = {"/bin/sh", "-c", "echo trained > " + (folder / "trained").string()};
  }
  void TearDown() override { ::setenv("PATH", before_.c_str(), 1); }

  void havePython(const std::string& version, const json& packages) {
    const std::string answer = json{{"python", version}, {"packages", packages}}.dump();
    pythonScript("printf 'chatter of sitecustomize\\036reprise:%s' '" + answer + "'\n");
  }
  void pythonScript(const std::string& script) {
    folder.write("bin/python3", "#!/bin/sh\n" + script);
    fs::permissions(folder / "bin/python3", fs::perms::owner_all);
  }
  json recorded() const { return json::parse(folder.read("output/.reprise/environment.json")); }
  bool trained() const { return fs::exists(folder / "trained"); }

  testing_support::Folder folder;
  EntryOptions options;

 private:
  std::string before_;
};

TEST_F(Entry, RunsTheCommandAndRecordsWhatIsThere) {
  const Ending ending = runEntry(options);
  EXPECT_EQ(ending.reason, "Completed") << ending.message;
  EXPECT_EQ(ending.exitCode, 0);
  EXPECT_TRUE(trained());
  EXPECT_EQ(recorded()["python"], "3.11.2");
  EXPECT_EQ(recorded()["packages"], json({{"numpy", "1.26.4"}}));
  EXPECT_EQ(ending.more["environment"]["python"], "3.11.2");
}

TEST_F(Entry, SaysWhatIsDifferentFromTheEnvironmentInForce) {
  folder.write("environment.json", R"({"python": "3.11.2", "packages": {"numpy": "1.25.0"}})");
  options.environmentInForce = folder / "environment.json";
  EXPECT_EQ(runEntry(options).more["environment"]["changed"],
            json::array({"numpy 1.25.0 → 1.26.4"}));
}

TEST_F(Entry, AnotherPythonIsRefusedBeforeAnythingRuns) {
  options.expectPython = "3.12";
  const Ending ending = runEntry(options);
  EXPECT_EQ(ending.reason, "EnvironmentMismatch");
  EXPECT_EQ(ending.exitCode, 78);
  EXPECT_FALSE(trained());
}

TEST_F(Entry, OtherPackagesAreRefusedBeforeAnythingRuns) {
  folder.write("requirements.txt", "numpy==2.0.0\n");
  options.expectPackages = folder / "requirements.txt";
  const Ending ending = runEntry(options);
  EXPECT_EQ(ending.reason, "EnvironmentMismatch");
  EXPECT_THAT(ending.message, HasSubstr("numpy is 1.26.4 (asked: 2.0.0)"));
  EXPECT_FALSE(trained());
}

TEST_F(Entry, ALockThatPinsNothingIsMalformed) {
  folder.write("requirements.txt", "numpy\n");
  options.expectPackages = folder / "requirements.txt";
  const Ending ending = runEntry(options);
  EXPECT_EQ(ending.reason, "EnvironmentPinMalformed");
  EXPECT_THAT(ending.message, HasSubstr("requirements.txt, line 1"));
  EXPECT_FALSE(trained());
}

TEST_F(Entry, APythonThatDoesNotAnswerIsUnreadable) {
  pythonScript("echo 'Fatal Python error' >&2; exit 1\n");
  const Ending ending = runEntry(options);
  EXPECT_EQ(ending.reason, "EnvironmentUnreadable");
  EXPECT_THAT(ending.message, HasSubstr("Fatal Python error"));
  EXPECT_FALSE(trained());
}

TEST_F(Entry, AFailingStepTellsStatusAndLastLines) {
  options.command = {"/bin/sh", "-c", "echo 'ModuleNotFoundError: distutils' >&2; exit 5"};
  const Ending ending = runEntry(options);
  EXPECT_EQ(ending.reason, "StepFailed");
  EXPECT_EQ(ending.exitCode, 5);
  EXPECT_THAT(ending.message, HasSubstr("step train ended with exit status 5"));
  EXPECT_THAT(ending.message, HasSubstr("ModuleNotFoundError: distutils"));
}

TEST_F(Entry, AStepThatIsKilledTellsOfMemory) {
  options.command = {"/bin/sh", "-c", "kill -KILL $$"};
  const Ending ending = runEntry(options);
  EXPECT_EQ(ending.exitCode, 137);
  EXPECT_THAT(ending.message, HasSubstr("spec.train.resources.limits.memory"));
}

TEST_F(Entry, ACommandThatIsNotInTheImageNamesTheField) {
  options.command = {"/nonexistent/train"};
  Ending ending = runEntry(options);
  EXPECT_EQ(ending.exitCode, 127);
  EXPECT_THAT(ending.message,
              HasSubstr("spec.train.command must name a program that is in the image"));
  options.command.clear();
  ending = runEntry(options);
  EXPECT_EQ(ending.exitCode, 78);
  EXPECT_THAT(ending.message, HasSubstr("set spec.train.command"));
}

TEST_F(Entry, TheInterpreterIsTheOneThatTheCommandUses) {
  const std::string own = (folder / "bin/python3").string();
  EXPECT_EQ(interpreterOf({"python3", "train.py"}), own);
  EXPECT_EQ(interpreterOf({"env", "A=b", "python3", "train.py"}), own);
  folder.write("bin/train", "#!/usr/bin/env python3\n");
  fs::permissions(folder / "bin/train", fs::perms::owner_all);
  EXPECT_EQ(interpreterOf({"train"}), own);
}

TEST(Install, CopiesTheProgramAndOpensTheOutputToAnyUser) {
  testing_support::Folder folder;
  folder.write("self", "program");
  const Ending ending = install(folder / "self", folder / "reprise/bin");
  EXPECT_EQ(ending.reason, "Installed") << ending.message;
  EXPECT_EQ(folder.read("reprise/bin/reprise-agent"), "program");
  struct stat info{};
  ASSERT_EQ(::stat((folder / "reprise/bin/reprise-agent").c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 07777, 0755u);
  ASSERT_EQ(::stat((folder / "reprise/output").c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0777u);
}

TEST(Install, WhereItCannotWriteItSaysSo) {
  testing_support::Folder folder;
  folder.write("self", "program");
  folder.write("reprise", "a file");
  const Ending ending = install(folder / "self", folder / "reprise/bin");
  EXPECT_EQ(ending.reason, "InstallFailed");
  EXPECT_NE(ending.exitCode, 0);
}

}  // namespace
}  // namespace reprise::agent
