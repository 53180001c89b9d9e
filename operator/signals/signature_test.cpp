#include "signals/signature.h"

#include <gtest/gtest.h>

namespace reprise::signals {
namespace {

const Time kNow{std::chrono::seconds(1'700'000'000)};
constexpr Milliseconds kWindow{300'000};
const std::string kKey = "sixteen bytes at least";
const std::string kBody = R"({"drifted":true})";

http::Headers headers(const std::string& id, const std::string& time,
                      const std::string& signature) {
  return {{"Webhook-Id", id}, {"Webhook-Timestamp", time}, {"Webhook-Signature", signature}};
}

bool accepted(const http::Headers& given, const std::string& body = kBody,
              const std::string& key = kKey) {
  const auto signature = signatureOf(given);
  return signature && checkSignedHeaders(*signature, kNow, kWindow) &&
         signatureFits(*signature, body, key);
}

// The example of the specification's own libraries (standardwebhooks.com).
TEST(Signature, IsThatOfStandardWebhooks) {
  // whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw
  const unsigned char key[] = {0x31, 0xf2, 0x90, 0xf6, 0xbf, 0x06, 0x29, 0x8a,
                               0xab, 0x4f, 0x08, 0xd4, 0x3c, 0x3f, 0x08, 0x2c,
                               0xf6, 0x48, 0xa3, 0x62, 0xda, 0x2d, 0xa4, 0xb0};
  EXPECT_EQ(sign("msg_p5jXN8AQM9LWM0D4loKWxJek", "1614265330", R"({"test": 2432232314})",
                 std::string(reinterpret_cast<const char*>(key), sizeof key)),
            "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
}

TEST(Signature, OnlyTheRightKeyIdTimeAndBodyFit) {
  const std::string good = sign("e1", "1700000000", kBody, kKey);
  EXPECT_TRUE(accepted(headers("e1", "1700000000", good)));
  EXPECT_TRUE(accepted(headers("e1", "1700000000", "v1,AAAA v2,x " + good))) << "keys are rotated";
  EXPECT_FALSE(accepted(headers("e2", "1700000000", good)));
  EXPECT_FALSE(accepted(headers("e1", "1700000001", good)));
  EXPECT_FALSE(accepted(headers("e1", "1700000000", good), kBody + " "));
  EXPECT_FALSE(accepted(headers("e1", "1700000000", good), kBody, kKey + "x"));
  EXPECT_FALSE(accepted(headers("e1", "1700000000", good.substr(0, 20))));
  EXPECT_FALSE(accepted(headers("e1", "1700000000", "")));
  EXPECT_FALSE(accepted({}));
}

TEST(Signature, AKeyThatIsMissingOrShortSignsNothing) {
  for (const std::string key : {"", "short"})
    EXPECT_FALSE(
        accepted(headers("e1", "1700000000", sign("e1", "1700000000", kBody, key)), kBody, key));
}

TEST(Signature, OldOnesAndThoseOfTheFutureAreReplays) {
  for (const auto& [time, fits] : std::vector<std::pair<std::string, bool>>{{"1699999700", true},
                                                                            {"1699999699", false},
                                                                            {"1700000300", true},
                                                                            {"1700000301", false}})
    EXPECT_EQ(accepted(headers("e1", time, sign("e1", time, kBody, kKey))), fits) << time;
}

TEST(Signature, AHeaderThatCouldBeCutElsewhereIsRefused) {
  const std::string body = "1700000000." + kBody;
  EXPECT_FALSE(accepted(
      headers("e1.1700000000", "1700000000", sign("e1.1700000000", "1700000000", body, kKey)),
      body));
  for (const std::string time :
       {"", "-1", "1e9", "0x1", " 1700000000", "1700000000 ", "99999999999999999999"})
    EXPECT_FALSE(accepted(headers("e1", time, sign("e1", time, kBody, kKey)))) << time;
}

}  // namespace
}  // namespace reprise::signals
