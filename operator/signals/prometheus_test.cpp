#include <gtest/gtest.h>

#include "signals/prometheus_answer.h"
#include "signals/prometheus_poll.h"

namespace reprise::signals {
namespace {

std::string vectorOf(const std::string& series) {
  return R"({"status":"success","data":{"resultType":"vector","result":[)" + series + "]}}";
}
std::string series(const std::string& value) {
  return R"({"metric":{},"value":[1700000000.123,")" + value + "\"]}";
}
std::string reasonOf(int status, const std::string& body) {
  const auto out = parsePrometheusAnswer(status, body);
  return out ? "" : out.error().reason;
}

TEST(PrometheusAnswer, IsAScalarOrOneSeries) {
  EXPECT_EQ(*parsePrometheusAnswer(200, vectorOf(series("0.25"))), 0.25);
  EXPECT_EQ(*parsePrometheusAnswer(200, vectorOf(series("+Inf"))),
            std::numeric_limits<double>::infinity());
  EXPECT_EQ(*parsePrometheusAnswer(
                200, R"({"status":"success","data":{"resultType":"scalar","result":[1,"3"]}})"),
            3);
}

TEST(PrometheusAnswer, WhatIsNotOneNumberSaysWhatToDo) {
  EXPECT_EQ(reasonOf(200, vectorOf("")), "QueryEmpty");
  EXPECT_EQ(reasonOf(200, vectorOf(series("1") + "," + series("2"))), "QueryManySeries");
  EXPECT_EQ(reasonOf(200, vectorOf(series("NaN"))), "QueryNotANumber");
  EXPECT_EQ(reasonOf(200, R"({"status":"success","data":{"resultType":"matrix","result":[]}})"),
            "QueryWrongType");
  EXPECT_EQ(reasonOf(401, "no"), "PrometheusForbidden");
  EXPECT_EQ(reasonOf(503, "<html>"), "PrometheusUnavailable");
  EXPECT_EQ(reasonOf(302, ""), "PrometheusUnavailable");
  const auto refused = parsePrometheusAnswer(
      400, R"({"status":"error","errorType":"bad_data","error":"1:5: parse error"})");
  EXPECT_EQ(refused.error().reason, "QueryRefused");
  EXPECT_NE(refused.error().message.find("1:5: parse error"), std::string::npos);
}

TEST(PrometheusAnswer, OfSomethingElseIsRefusedAndNotRepeated) {
  for (const std::string body : {"", "[]", "{}", "<html>secret</html>", R"({"status":"success"})",
                                 R"({"status":"success","data":7})", R"({"secret":"secret"})"}) {
    const auto out = parsePrometheusAnswer(200, body);
    ASSERT_FALSE(out) << body;
    EXPECT_EQ(out.error().reason, "PrometheusMalformed") << body;
    EXPECT_EQ(out.error().message.find("secret"), std::string::npos);
  }
  for (const std::string value : {"", "1x", "0.1 ", "1,5"})
    EXPECT_EQ(reasonOf(200, vectorOf(series(value))), "PrometheusMalformed") << value;
  EXPECT_EQ(reasonOf(200, vectorOf("7")), "PrometheusMalformed");
  EXPECT_EQ(reasonOf(200, vectorOf(R"({"value":[1,2]})")), "PrometheusMalformed");
}

class FakePrometheus final : public http::Transport {
 public:
  std::string body = vectorOf(series("0.1"));
  std::optional<http::TransportError> error;
  std::vector<http::Request> asked;

  tl::expected<http::Response, http::TransportError> send(const http::Request& request,
                                                          std::chrono::milliseconds,
                                                          std::stop_token, std::size_t) override {
    asked.push_back(request);
    if (error) return tl::unexpected(*error);
    return http::Response{200, {}, body};
  }
  tl::expected<std::unique_ptr<http::ByteStream>, http::TransportError> openStream(
      const http::Request&, std::chrono::milliseconds, std::stop_token) override {
    return tl::unexpected(http::TransportError{});
  }
};

struct PrometheusPollTest : testing::Test {
  std::shared_ptr<FakePrometheus> server = std::make_shared<FakePrometheus>();
  FakeClock clock;
  std::vector<std::string> changed, counted;
  Expected<std::string> secret = std::string("token\n");
  std::string trusted;
  PrometheusPoll poll{[this](const http::TlsOptions& tls) {
                        trusted = tls.caPem;
                        return server;
                      },
                      clock,
                      {[this](const auto&, const auto&, const auto&) { return secret; },
                       [this](const std::string& owner) { changed.push_back(owner); },
                       [this](const std::string& result) { counted.push_back(result); }}};
  PrometheusTarget target{"http://p:9090/prefix/", "avg(x{a=\"b\"}) > 0", {}, "ns", {}, {},
                          Milliseconds(30'000)};
};

TEST_F(PrometheusPollTest, IsAskedEachIntervalAndTellsOnlyWhatIsNew) {
  EXPECT_FALSE(poll.view("ns/fuel").asked);
  poll.watch("ns/fuel", target);
  EXPECT_EQ(poll.step(), 1);
  EXPECT_EQ(server->asked[0].url,
            "http://p:9090/prefix/api/v1/query?query=avg%28x%7Ba%3D%22b%22%7D%29%20%3E%200"
            "&timeout=4s");
  EXPECT_EQ(poll.view("ns/fuel").value, 0.1);
  EXPECT_EQ(poll.step(), 0) << "not due";
  clock.advance(Milliseconds(30'000));
  EXPECT_EQ(poll.step(), 1);
  EXPECT_EQ(changed.size(), 1u) << "the same value again";
  server->body = vectorOf("");
  clock.advance(Milliseconds(30'000));
  poll.step();
  EXPECT_EQ(poll.view("ns/fuel").reason, "QueryEmpty");
  EXPECT_EQ(changed.size(), 2u);
  EXPECT_EQ(counted, (std::vector<std::string>{"ok", "ok", "QueryEmpty"}));
}

TEST_F(PrometheusPollTest, AnotherQueryIsAskedAtOnceAndAnOwnerThatIsGoneNoMore) {
  poll.watch("ns/fuel", target);
  poll.step();
  target.query = "y";
  poll.watch("ns/fuel", target);
  EXPECT_FALSE(poll.view("ns/fuel").asked) << "the old answer is not one to this query";
  EXPECT_EQ(poll.step(), 1);
  poll.watch("ns/fuel", std::nullopt);
  clock.advance(Milliseconds(60'000));
  EXPECT_EQ(poll.step(), 0);
}

TEST_F(PrometheusPollTest, AServerThatIsAwayIsSaid) {
  server->error = http::TransportError{http::TransportError::Kind::Connect, Sent::No, "refused"};
  poll.watch("ns/fuel", target);
  poll.step();
  EXPECT_EQ(poll.view("ns/fuel").reason, "PrometheusUnreachable");
  EXPECT_NE(poll.view("ns/fuel").message.find("serverAddress http://p:9090"), std::string::npos);
}

TEST_F(PrometheusPollTest, ATokenGoesOnlyOverTlsToTheAuthorityThatIsTrusted) {
  target.secretName = "s";
  poll.watch("ns/fuel", target);
  poll.step();
  EXPECT_TRUE(server->asked.empty());
  EXPECT_EQ(poll.view("ns/fuel").reason, "SecretMalformed");
  target.serverAddress = "https://p";
  target.caPem = "pem";
  poll.watch("ns/fuel", target);
  poll.step();
  ASSERT_EQ(server->asked.size(), 1u);
  EXPECT_EQ(server->asked[0].headers.back().second, "Bearer token");
  EXPECT_EQ(trusted, "pem");
}

TEST_F(PrometheusPollTest, ASecretThatCannotBeReadSaysSo) {
  target.serverAddress = "https://p";
  target.secretName = "s";
  secret = fail(ErrorCode::Forbidden, "Secret s may not be read");
  poll.watch("ns/fuel", target);
  poll.step();
  EXPECT_EQ(poll.view("ns/fuel").reason, "SecretForbidden");
  secret = std::string("a\r\nX-Injected: 1");
  target.query = "y";
  poll.watch("ns/fuel", target);
  poll.step();
  EXPECT_EQ(poll.view("ns/fuel").reason, "SecretMalformed");
  EXPECT_TRUE(server->asked.empty());
}

}  // namespace
}  // namespace reprise::signals
