#include "registry/oci.h"

#include <deque>
#include <vector>

#include <gtest/gtest.h>

#include "base/digest.h"

namespace reprise::registry {
namespace {

const std::string kAnswered = "sha256:" + std::string(64, 'b');

// Answers in the order they were put in, and keeps what was asked.
class Scripted final : public http::Transport {
 public:
  std::deque<http::Response> answers;
  std::vector<http::Request> asked;

  tl::expected<http::Response, http::TransportError> send(const http::Request& request,
                                                          std::chrono::milliseconds,
                                                          std::stop_token, std::size_t) override {
    asked.push_back(request);
    if (answers.empty())
      return tl::unexpected(
          http::TransportError{http::TransportError::Kind::Connect, Sent::No, "refused"});
    auto next = answers.front();
    answers.pop_front();
    return next;
  }
  tl::expected<std::unique_ptr<http::ByteStream>, http::TransportError> openStream(
      const http::Request&, std::chrono::milliseconds, std::stop_token) override {
    return tl::unexpected(http::TransportError{});
  }
};

struct OciTest : testing::Test {
  std::shared_ptr<Scripted> transport = std::make_shared<Scripted>();
  OciRegistry registry{transport, {"10.0.0.1:5000"}};
};

TEST_F(OciTest, ATagBecomesTheDigestThatTheRegistryNames) {
  transport->answers.push_back({200, {{"docker-content-digest", kAnswered}}, {}});
  const auto resolved = registry.resolve("10.0.0.1:5000/fuel:1.0");
  ASSERT_TRUE(resolved) << resolved.error().message;
  EXPECT_EQ(*resolved, "10.0.0.1:5000/fuel@" + kAnswered);
  EXPECT_EQ(transport->asked.at(0).url, "http://10.0.0.1:5000/v2/fuel/manifests/1.0");
  EXPECT_EQ(transport->asked.at(0).method, "HEAD");
}

TEST_F(OciTest, OnlyListedRegistriesAreAskedWithoutTls) {
  transport->answers.push_back({200, {{"Docker-Content-Digest", kAnswered}}, {}});
  ASSERT_TRUE(registry.resolve("example.com/fuel:1.0"));
  EXPECT_EQ(transport->asked.at(0).url.rfind("https://example.com/", 0), 0u);
}

TEST_F(OciTest, ARedirectIsFollowedAndTheTokenStaysWithItsHost) {
  transport->answers.push_back(
      {401, {{"WWW-Authenticate", "Bearer realm=\"https://auth.example.com/t\""}}, {}});
  transport->answers.push_back({200, {}, R"({"token": "t"})"});
  transport->answers.push_back({307, {{"Location", "/elsewhere"}}, {}});
  transport->answers.push_back({302, {{"Location", "https://cdn.example.org/m?a=1"}}, {}});
  transport->answers.push_back({200, {{"Docker-Content-Digest", kAnswered}}, {}});
  ASSERT_TRUE(registry.resolve("example.com/fuel:1.0"));
  ASSERT_EQ(transport->asked.size(), 5u);
  EXPECT_EQ(transport->asked[3].url, "https://example.com/elsewhere");
  EXPECT_EQ(http::header(transport->asked[3].headers, "Authorization"), "Bearer t");
  EXPECT_EQ(transport->asked[4].url, "https://cdn.example.org/m?a=1");
  EXPECT_EQ(http::header(transport->asked[4].headers, "Authorization"), "");
}

TEST_F(OciTest, ARedirectToPlainHttpOrWithoutAnEndIsAnError) {
  transport->answers.push_back({301, {{"Location", "http://example.com/m"}}, {}});
  EXPECT_FALSE(registry.resolve("example.com/fuel:1.0"));
  EXPECT_EQ(transport->asked.size(), 1u);
  transport->answers.assign(10, {301, {{"Location", "https://example.com/m"}}, {}});
  const auto resolved = registry.resolve("example.com/fuel:1.0");
  ASSERT_FALSE(resolved);
  EXPECT_NE(resolved.error().message.find("answered 301"), std::string::npos);
  EXPECT_EQ(transport->asked.size(), 5u);
}

TEST_F(OciTest, WithoutTheHeaderTheManifestIsHashed) {
  transport->answers.push_back({200, {}, {}});
  transport->answers.push_back({200, {}, "{\"schemaVersion\":2}"});
  const auto resolved = registry.resolve("example.com/fuel:1.0");
  ASSERT_TRUE(resolved);
  EXPECT_EQ(*resolved, "example.com/fuel@sha256:" + sha256Hex("{\"schemaVersion\":2}"));
}

TEST_F(OciTest, AChallengeOfAnyLengthIsRead) {
  const std::string service(200'000, 's');
  transport->answers.push_back(
      {401,
       {{"WWW-Authenticate",
         "Bearer realm=\"https://auth.example.com/t\",service=\"" + service + "\""}},
       {}});
  transport->answers.push_back({200, {}, R"({"token":"abc"})"});
  transport->answers.push_back({200, {{"Docker-Content-Digest", kAnswered}}, {}});
  ASSERT_TRUE(registry.resolve("example.com/fuel:1.0"));
  EXPECT_EQ(transport->asked.at(1).url,
            "https://auth.example.com/t?service=" + service + "&scope=");
}

TEST_F(OciTest, AChallengeIsAnsweredWithAnAnonymousToken) {
  transport->answers.push_back(
      {401,
       {{"WWW-Authenticate",
         "Bearer "
         "realm=\"https://auth.example.com/token\",service=\"r\",scope=\"repository:fuel:pull\""}},
       {}});
  transport->answers.push_back({200, {}, R"({"token":"t0"})"});
  transport->answers.push_back({200, {{"Docker-Content-Digest", kAnswered}}, {}});
  ASSERT_TRUE(registry.resolve("example.com/fuel:1.0"));
  EXPECT_EQ(transport->asked.at(1).url,
            "https://auth.example.com/token?service=r&scope=repository%3Afuel%3Apull");
  EXPECT_EQ(transport->asked.at(2).headers.back(),
            (std::pair<std::string, std::string>("Authorization", "Bearer t0")));
}

TEST_F(OciTest, WhatIsNotThereAndWhatIsForbiddenSayTheMend) {
  transport->answers.push_back({404, {}, {}});
  const auto missing = registry.resolve("example.com/fuel:9");
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().code, ErrorCode::NotFound);
  EXPECT_NE(missing.error().message.find("push the image"), std::string::npos);
  transport->answers.push_back({403, {}, {}});
  EXPECT_EQ(registry.resolve("example.com/fuel:9").error().code, ErrorCode::Forbidden);
  transport->answers.push_back({503, {}, {}});
  EXPECT_TRUE(registry.resolve("example.com/fuel:9").error().retryable());
  EXPECT_TRUE(registry.resolve("example.com/fuel:9").error().retryable())
      << "a registry that is down";
}

TEST_F(OciTest, ADigestInTheNameIsAnsweredWithoutAsking) {
  const auto resolved = registry.resolve("example.com/fuel@" + kAnswered);
  ASSERT_TRUE(resolved);
  EXPECT_TRUE(transport->asked.empty());
}

TEST_F(OciTest, ADigestThatIsNoneIsRefused) {
  transport->answers.push_back({200, {{"Docker-Content-Digest", "sha256:zz"}}, {}});
  EXPECT_FALSE(registry.resolve("example.com/fuel:1"));
}

}  // namespace
}  // namespace reprise::registry
