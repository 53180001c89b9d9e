#include "agent/archive.h"

#include <archive.h>
#include <archive_entry.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "agent/archive_path.h"
#include "agent/files.h"
#include "agent/store.h"
#include "agent/testing/folder.h"
#include "base/digest.h"

namespace reprise::agent {
namespace {

using ::testing::HasSubstr;
using testing_support::Folder;

Expected<Packed> pack(const Folder& folder, const std::string& to = "out.tar",
                      const fs::path& examples = {}) {
  const Fd fd(::open((folder / to).c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0600));
  return packModel(folder / "model", examples, fd.get(), folder / to);
}

Expected<Unpacked> unpack(const Folder& folder, const std::string& from = "out.tar") {
  fs::create_directories(folder / "to");
  const Fd fd(::open((folder / from).c_str(), O_RDONLY));
  return unpackModel(fd.get(), folder / from, folder / "to");
}

// An archive that packModel would never write.
struct Member {
  const char* name;
  unsigned type = AE_IFREG;
  const char* link = nullptr;
  bool hard = false;
};
void craft(const fs::path& path, const std::vector<Member>& members) {
  archive* tar = archive_write_new();
  archive_write_set_format_pax_restricted(tar);
  archive_write_open_filename(tar, path.c_str());
  for (const Member& member : members) {
    archive_entry* entry = archive_entry_new();
    archive_entry_copy_pathname(entry, member.name);
    archive_entry_set_filetype(entry, member.type);
    archive_entry_set_perm(entry, 04777);
    archive_entry_set_size(entry, member.type == AE_IFREG && !member.hard ? 4 : 0);
    if (member.link && member.hard) archive_entry_copy_hardlink(entry, member.link);
    if (member.link && !member.hard) archive_entry_copy_symlink(entry, member.link);
    ASSERT_EQ(archive_write_header(tar, entry), ARCHIVE_OK) << archive_error_string(tar);
    if (member.type == AE_IFREG && !member.hard) archive_write_data(tar, "evil", 4);
    archive_entry_free(entry);
  }
  archive_write_close(tar);
  archive_write_free(tar);
}

std::string whyMalformed(const Folder& folder) {
  const auto unpacked = unpack(folder);
  EXPECT_TRUE(unpacked) << unpacked.error().message;
  return unpacked ? unpacked->malformed : "";
}

TEST(Archive, WhatWasPackedIsUnpacked) {
  Folder folder;
  const std::string longName = std::string(150, 'd') + "/" + std::string(200, 'f');
  folder.write("model/weights.bin", std::string(1'000'000, '\x7f'));
  folder.write("model/empty", "");
  folder.write("model/sub/naïve – 모델.txt", "unicode");
  folder.write("model/sub/\xff\xfe.bin", "no UTF-8");
  folder.write("model/" + longName, "long");
  folder.write("model/run.sh", "#!/bin/sh\n");
  fs::permissions(folder / "model/run.sh", fs::perms::owner_exec, fs::perm_options::add);
  fs::create_directories(folder / "model/nothing");
  fs::create_symlink("../weights.bin", folder / "model/sub/link");
  folder.write("examples.jsonl", "{}\n");
  const auto packed = pack(folder, "out.tar", folder / "examples.jsonl");
  ASSERT_TRUE(packed) << packed.error().message;
  EXPECT_EQ(packed->bytes, static_cast<std::int64_t>(fs::file_size(folder / "out.tar")));
  EXPECT_EQ(packed->sha256, sha256Hex(folder.read("out.tar")));

  const auto unpacked = unpack(folder);
  ASSERT_TRUE(unpacked) << unpacked.error().message;
  EXPECT_EQ(unpacked->malformed, "");
  EXPECT_EQ(unpacked->sha256, packed->sha256);
  EXPECT_EQ(folder.read("to/weights.bin"), std::string(1'000'000, '\x7f'));
  EXPECT_EQ(folder.read("to/empty"), "");
  EXPECT_EQ(folder.read("to/sub/naïve – 모델.txt"), "unicode");
  EXPECT_EQ(folder.read("to/sub/\xff\xfe.bin"), "no UTF-8");
  EXPECT_EQ(folder.read("to/" + longName), "long");
  EXPECT_EQ(folder.read("to/.reprise/examples.jsonl"), "{}\n");
  EXPECT_TRUE(fs::is_directory(folder / "to/nothing"));
  EXPECT_EQ(fs::read_symlink(folder / "to/sub/link"), "../weights.bin");
  EXPECT_EQ(::access((folder / "to/run.sh").c_str(), X_OK), 0);
}

TEST(Archive, TheSameFilesAreTheSameBytesWheneverAndInWhateverOrderTheyWereWritten) {
  Folder a, b;
  for (const char* name : {"model/a", "model/b/c", "model/z"}) a.write(name, name);
  for (const char* name : {"model/z", "model/b/c", "model/a"}) b.write(name, name);
  fs::last_write_time(b / "model/z", fs::file_time_type::clock::now() - std::chrono::hours(1000));
  fs::permissions(b / "model/z", fs::perms::owner_read | fs::perms::owner_write);
  const auto first = pack(a), second = pack(b);
  ASSERT_TRUE(first && second);
  EXPECT_EQ(first->sha256, second->sha256);
  EXPECT_EQ(a.read("out.tar"), b.read("out.tar"));
}

TEST(Archive, ASymlinkThatLeavesTheModelIsRefusedByName) {
  for (const char* target : {"/etc/passwd", "../secret", "sub/../../secret"}) {
    Folder folder;
    folder.write("model/sub/file", "x");
    fs::create_symlink(target, folder / "model/link");
    const auto packed = pack(folder);
    ASSERT_FALSE(packed) << target;
    EXPECT_EQ(packed.error().code, ErrorCode::InvalidArgument);
    EXPECT_THAT(packed.error().message, HasSubstr("model/link is a symlink to"));
  }
}

TEST(Archive, ASymlinkThatLeavesThroughAnotherOneIsRefused) {
  Folder folder;
  folder.write("secret", "x");
  folder.write("model/p/q/file", "x");
  fs::create_symlink("../..", folder / "model/p/q/up");  // to the root of the model
  fs::create_symlink("up/../secret",
                     folder / "model/p/q/through");  // by its text p/q/secret, truly ../secret
  const auto packed = pack(folder);
  ASSERT_FALSE(packed);
  EXPECT_THAT(packed.error().message, HasSubstr("model/p/q/through"));
}

TEST(Archive, WhatIsNeitherFileNorDirectoryIsRefused) {
  Folder folder;
  folder.write("model/file", "x");
  ASSERT_EQ(::mkfifo((folder / "model/pipe").c_str(), 0600), 0);
  const auto packed = pack(folder);
  ASSERT_FALSE(packed);
  EXPECT_THAT(packed.error().message, HasSubstr("model/pipe is neither file"));
}

TEST(Archive, OurOwnDirectoryInTheModelIsRefused) {
  Folder folder;
  folder.write("model/.reprise/examples.jsonl", "x");
  const auto packed = pack(folder);
  ASSERT_FALSE(packed);
  EXPECT_THAT(packed.error().message, HasSubstr("model/.reprise"));
}

TEST(Archive, AModelWithoutFilesIsNotFound) {
  Folder folder;
  fs::create_directories(folder / "model/only/directories");
  const auto packed = pack(folder);
  ASSERT_FALSE(packed);
  EXPECT_EQ(packed.error().code, ErrorCode::NotFound);
}

TEST(Unpack, PathsThatLeaveTheDirectoryAreRefusedAndNothingIsWritten) {
  for (const char* name :
       {"../evil", "a/../../evil", "/tmp/reprise-evil", "./evil", "a//b/../../../evil"}) {
    Folder folder;
    craft(folder / "out.tar", {{name}});
    EXPECT_THAT(whyMalformed(folder), HasSubstr("leaves the directory")) << name;
    EXPECT_FALSE(fs::exists(folder / "evil"));
    EXPECT_FALSE(fs::exists("/tmp/reprise-evil"));
  }
}

TEST(Unpack, NothingIsWrittenThroughASymlinkOfTheArchive) {
  Folder folder;
  craft(folder / "out.tar", {{"link", AE_IFLNK, ".."}, {"link/evil"}});
  EXPECT_NE(whyMalformed(folder), "");
  EXPECT_FALSE(fs::exists(folder / "evil"));

  Folder inside;  // a link that stays inside does not help either
  craft(inside / "out.tar", {{"d", AE_IFDIR}, {"link", AE_IFLNK, "d"}, {"link/file"}});
  EXPECT_THAT(whyMalformed(inside), HasSubstr("twice"));
}

TEST(Unpack, SymlinksThatLeaveThroughOneAnotherAreRefused) {
  Folder folder;
  folder.write("secret", "x");
  craft(folder / "out.tar",
        {{"p/q/file"}, {"p/q/up", AE_IFLNK, "../.."}, {"p/q/through", AE_IFLNK, "up/../secret"}});
  EXPECT_THAT(whyMalformed(folder), HasSubstr("'p/q/through' leaves the directory"));
}

TEST(Unpack, HardLinksDevicesAndDoublesAreRefused) {
  Folder hard, device, twice;
  craft(hard / "out.tar", {{"a"}, {"b", AE_IFREG, "a", true}});
  EXPECT_THAT(whyMalformed(hard), HasSubstr("hard link"));
  craft(device / "out.tar", {{"pipe", AE_IFIFO}});
  EXPECT_THAT(whyMalformed(device), HasSubstr("neither file"));
  craft(twice / "out.tar", {{"a"}, {"a"}});
  EXPECT_THAT(whyMalformed(twice), HasSubstr("'a' twice"));
  Folder both;
  craft(both / "out.tar", {{"a"}, {"a/b"}});
  EXPECT_THAT(whyMalformed(both), HasSubstr("as a file and as a directory"));
}

TEST(Unpack, SetuidIsNotTakenOver) {
  Folder folder;
  craft(folder / "out.tar", {{"program"}});
  EXPECT_EQ(whyMalformed(folder), "");
  struct stat info{};
  ASSERT_EQ(::stat((folder / "to/program").c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 07777, 0755u);
}

TEST(Unpack, BytesThatAreNoArchiveAreMalformedAndHashedToTheirEnd) {
  for (const std::string& bytes :
       {std::string(), std::string("not a tar"), std::string(1'000'000, 'x')}) {
    Folder folder;
    folder.write("out.tar", bytes);
    const auto unpacked = unpack(folder);
    ASSERT_TRUE(unpacked);
    EXPECT_NE(unpacked->malformed, "");
    EXPECT_EQ(unpacked->sha256, sha256Hex(bytes));
  }
}

TEST(Unpack, AnArchiveCutShortIsMalformed) {
  Folder folder;
  folder.write("model/file", std::string(100'000, 'x'));
  ASSERT_TRUE(pack(folder));
  fs::resize_file(folder / "out.tar", 50'000);
  EXPECT_NE(whyMalformed(folder), "");
}

TEST(Unpack, TheHashIsAlsoOfWhatStandsBehindTheArchivesEnd) {
  Folder folder;
  folder.write("model/file", "x");
  const auto packed = pack(folder);
  ASSERT_TRUE(packed);
  folder.write("longer.tar", folder.read("out.tar") + "more");
  const auto unpacked = unpack(folder, "longer.tar");
  ASSERT_TRUE(unpacked);
  EXPECT_NE(unpacked->sha256, packed->sha256);
}

TEST(Store, AModelIsFoundUnderItsHashAndNoHalfIsLeft) {
  Folder folder;
  folder.write("model/file", "x");
  const auto packed = storeModel(folder / "model", {}, folder / "store", "pod-1");
  ASSERT_TRUE(packed) << packed.error().message;
  EXPECT_EQ(sha256Hex(Folder::readAll(storedPath(folder / "store", packed->sha256))),
            packed->sha256);
  EXPECT_EQ(
      std::distance(fs::directory_iterator(folder / "store/sha256"), fs::directory_iterator()), 1);
}

TEST(Store, TheSameModelIsKeptAndWrongBytesUnderItsHashAreReplaced) {
  Folder folder;
  folder.write("model/file", "x");
  const auto first = storeModel(folder / "model", {}, folder / "store", "pod-1");
  ASSERT_TRUE(first);
  const fs::path stored = storedPath(folder / "store", first->sha256);
  struct stat before{}, after{};
  ASSERT_EQ(::stat(stored.c_str(), &before), 0);
  const auto second = storeModel(folder / "model", {}, folder / "store", "pod-2");
  ASSERT_TRUE(second);
  EXPECT_EQ(second->sha256, first->sha256);
  ASSERT_EQ(::stat(stored.c_str(), &after), 0);
  EXPECT_EQ(before.st_ino, after.st_ino) << "the file that was there is used";

  fs::permissions(stored, fs::perms::owner_write, fs::perm_options::add);
  std::ofstream(stored, std::ios::binary) << "other bytes";
  ASSERT_TRUE(storeModel(folder / "model", {}, folder / "store", "pod-3"));
  EXPECT_EQ(sha256Hex(Folder::readAll(stored)), first->sha256);
}

TEST(Store, HalvesOfPodsThatWereLostAreTakenAway) {
  Folder folder;
  folder.write("model/file", "x");
  folder.write("store/sha256/.partial-lost", "half");
  folder.write("store/sha256/.partial-busy", "half");
  fs::last_write_time(folder / "store/sha256/.partial-lost",
                      fs::file_time_type::clock::now() - std::chrono::hours(25));
  ASSERT_TRUE(storeModel(folder / "model", {}, folder / "store", "pod-1"));
  EXPECT_FALSE(fs::exists(folder / "store/sha256/.partial-lost"));
  EXPECT_TRUE(fs::exists(folder / "store/sha256/.partial-busy"));
}

TEST(Store, AStoreThatIsNoDirectoryIsAnErrorThatNamesIt) {
  Folder folder;
  folder.write("model/file", "x");
  folder.write("store", "a file");
  const auto packed = storeModel(folder / "model", {}, folder / "store", "pod-1");
  ASSERT_FALSE(packed);
  EXPECT_THAT(packed.error().message, HasSubstr((folder / "store").string()));
}

}  // namespace
}  // namespace reprise::agent
