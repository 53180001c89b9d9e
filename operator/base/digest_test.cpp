#include "base/digest.h"

#include <gtest/gtest.h>

namespace reprise {
namespace {

TEST(Digest, IsTheOneOfFips180) {
  EXPECT_EQ(sha256Hex("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(sha256Hex(""), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
}

TEST(Digest, DoesNotDependOnHowTheBytesWereCut) {
  Sha256 hash;
  hash.update("a");
  hash.update("bc");
  EXPECT_EQ(hash.hex(), sha256Hex("abc"));
}

TEST(Digest, KnowsAnOciDigest) {
  EXPECT_TRUE(isOciDigest("sha256:" + sha256Hex("abc")));
  EXPECT_FALSE(isOciDigest(sha256Hex("abc")));
  EXPECT_FALSE(isOciDigest("sha256:ABC"));
}

}  // namespace
}  // namespace reprise
