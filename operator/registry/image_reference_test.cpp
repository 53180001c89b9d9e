#include "registry/image_reference.h"

#include <gtest/gtest.h>

namespace reprise::registry {
namespace {

const std::string kDigest = "sha256:" + std::string(64, 'a');

TEST(ImageReference, PortsTagsAndDigestsAreToldApart) {
  const auto full = parseImageReference("10.0.0.1:5000/team/fuel:1.4");
  ASSERT_TRUE(full) << full.error().message;
  EXPECT_EQ(full->registry, "10.0.0.1:5000");
  EXPECT_EQ(full->repository, "team/fuel");
  EXPECT_EQ(full->tag, "1.4");
  EXPECT_EQ(full->pinned(kDigest), "10.0.0.1:5000/team/fuel@" + kDigest);
}

TEST(ImageReference, DockersDefaultsAreFilledInButNotWrittenBack) {
  const auto shortOne = parseImageReference("python");
  ASSERT_TRUE(shortOne);
  EXPECT_EQ(shortOne->registry, "docker.io");
  EXPECT_EQ(shortOne->repository, "library/python");
  EXPECT_EQ(shortOne->tag, "latest");
  EXPECT_EQ(shortOne->pinned(kDigest), "python@" + kDigest);
  EXPECT_EQ(parseImageReference("team/fuel:2")->repository, "team/fuel");
  EXPECT_EQ(parseImageReference("localhost/fuel:2")->registry, "localhost");
}

TEST(ImageReference, ADigestWinsOverATag) {
  const auto both = parseImageReference("example.com/fuel:1@" + kDigest);
  ASSERT_TRUE(both);
  EXPECT_EQ(both->digest, kDigest);
  EXPECT_EQ(both->written, "example.com/fuel");
}

TEST(ImageReference, MalformedNamesAreRefusedWithTheFieldAndTheMend) {
  for (const char* bad : {"", "example.com/Fuel:1", "example.com/fuel:", "fuel@sha256:12",
                          "example.com/fuel:a b", "/fuel"}) {
    const auto parsed = parseImageReference(bad);
    ASSERT_FALSE(parsed) << bad;
    EXPECT_EQ(parsed.error().code, ErrorCode::InvalidArgument);
    EXPECT_NE(parsed.error().message.find("spec.environment.image"), std::string::npos);
    EXPECT_NE(parsed.error().message.find("write registry/repository:tag"), std::string::npos);
  }
}

}  // namespace
}  // namespace reprise::registry
