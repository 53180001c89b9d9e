#include "agent/fetch.h"

#include <sys/stat.h>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "agent/store.h"
#include "agent/testing/folder.h"
#include "base/digest.h"

namespace reprise::agent {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;

class Fetch : public ::testing::Test {
 protected:
  void SetUp() override {
    folder.write("model/model.bin", "weights");
    folder.write("examples.jsonl", "{\"request\": 1, \"response\": 2}\n");
    auto packed = storeModel(folder / "model", folder / "examples.jsonl", folder / "store", "pod");
    ASSERT_TRUE(packed) << packed.error().message;
    sha256 = packed->sha256;
    stored = storedPath(folder / "store", sha256);
  }
  Ending run(const std::string& hash) const {
    return fetch({folder / "store", hash, folder / "served"});
  }
  void replaceStored(const std::string& bytes) const {
    fs::permissions(stored, fs::perms::owner_write, fs::perm_options::add);
    std::ofstream(stored, std::ios::binary) << bytes;
  }

  testing_support::Folder folder;
  std::string sha256;
  fs::path stored;
};

TEST_F(Fetch, BringsModelAndGoldenRequests) {
  const Ending ending = run(sha256);
  EXPECT_EQ(ending.reason, "Fetched") << ending.message;
  EXPECT_EQ(ending.exitCode, 0);
  EXPECT_EQ(folder.read("served/model.bin"), "weights");
  EXPECT_EQ(folder.read("served/.reprise/examples.jsonl"), "{\"request\": 1, \"response\": 2}\n");
  EXPECT_FALSE(fs::exists(folder / "served.partial"));
}

TEST_F(Fetch, ASecondTimeReplacesWhatIsThereAndLeftovers) {
  folder.write("served/old", "x");
  folder.write("served.partial/half", "x");
  EXPECT_EQ(run(sha256).reason, "Fetched");
  EXPECT_FALSE(fs::exists(folder / "served/old"));
  EXPECT_FALSE(fs::exists(folder / "served/half"));
  EXPECT_EQ(folder.read("served/model.bin"), "weights");
}

TEST_F(Fetch, AChangedByteIsCorruptAndNothingIsServed) {
  std::string bytes = testing_support::Folder::readAll(stored);
  bytes[bytes.find("weights")] = 'W';
  replaceStored(bytes);
  const Ending ending = run(sha256);
  EXPECT_EQ(ending.reason, "ArtifactCorrupt");
  EXPECT_NE(ending.exitCode, 0);
  EXPECT_THAT(ending.message, HasSubstr(sha256));
  EXPECT_THAT(ending.message, HasSubstr(stored.string()));
  EXPECT_FALSE(fs::exists(folder / "served"));
  EXPECT_FALSE(fs::exists(folder / "served.partial"));
}

TEST_F(Fetch, CutOrEmptiedOrAppendedToIsCorruptRatherThanMalformed) {
  const std::string bytes = testing_support::Folder::readAll(stored);
  for (const std::string& other : {std::string(), bytes.substr(0, bytes.size() / 2), bytes + "x"}) {
    replaceStored(other);
    EXPECT_EQ(run(sha256).reason, "ArtifactCorrupt");
    EXPECT_FALSE(fs::exists(folder / "served"));
  }
}

TEST_F(Fetch, NoFileIsMissing) {
  const Ending ending = run(std::string(64, '0'));
  EXPECT_EQ(ending.reason, "ArtifactMissing");
  EXPECT_NE(ending.exitCode, 0);
  EXPECT_THAT(ending.message, HasSubstr(std::string(64, '0')));
}

TEST_F(Fetch, WhatIsNoHashNamesNoFile) {
  EXPECT_EQ(run("../../etc/passwd").reason, "ArtifactMissing");
  EXPECT_EQ(run("").reason, "ArtifactMissing");
}

TEST_F(Fetch, RightBytesThatAreNoArchiveAreMalformed) {
  const std::string bytes = "somebody published this by hand";
  const std::string hash = sha256Hex(bytes);
  folder.write("store/sha256/" + hash, bytes);
  const Ending ending = run(hash);
  EXPECT_EQ(ending.reason, "ArtifactMalformed");
  EXPECT_NE(ending.exitCode, 0);
  EXPECT_FALSE(fs::exists(folder / "served"));
}

TEST_F(Fetch, ATargetThatCannotBeMadeIsNoFaultOfTheArtifact) {
  folder.write("file", "x");
  const Ending ending = fetch({folder / "store", sha256, folder / "file/served"});
  EXPECT_EQ(ending.reason, "FetchFailed");
  EXPECT_NE(ending.exitCode, 0);
}

TEST_F(Fetch, ASlashAtTheEndOfTheTargetMeansTheSame) {
  EXPECT_EQ(fetch({folder / "store", sha256, folder / "served/"}).reason, "Fetched");
  EXPECT_EQ(folder.read("served/model.bin"), "weights");
}

}  // namespace
}  // namespace reprise::agent
