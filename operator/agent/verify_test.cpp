#include "agent/verify.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "agent/testing/folder.h"
#include "kube/testing/scripted_transport.h"

namespace reprise::agent {
namespace {

using kube::testing::Answer;
using ::testing::HasSubstr;

class Verify : public ::testing::Test {
 protected:
  void SetUp() override {
    folder.write("metrics.json", "{\"rmse\": 0.41}");
    folder.write("examples.jsonl",
                 "{\"request\": {\"x\": 1}, \"response\": {\"y\": 2.0}, \"tolerance\": 0.01}\n"
                 "{\"request\": {\"x\": 2}, \"response\": {\"y\": 4.0}, \"tolerance\": 0.01}\n");
    options.metrics = folder / "metrics.json";
    options.examples = folder / "examples.jsonl";
    options.url = "http://127.0.0.1:8080";
    options.model = "fuel";
  }
  Ending run() {
    return verify(options, server, clock, [this](Milliseconds pause) { clock.advance(pause); });
  }

  testing_support::Folder folder;
  VerifyOptions options;
  kube::testing::ScriptedTransport server;
  FakeClock clock;
};

TEST_F(Verify, AsksEachGoldenRequestAndHandsOnTheMetrics) {
  server.then({.body = "{\"y\": 2.001, \"model_version\": \"7\"}"});
  server.then({.body = "{\"y\": 4}"});
  const Ending ending = run();
  EXPECT_EQ(ending.reason, "Verified") << ending.message;
  EXPECT_EQ(ending.exitCode, 0);
  EXPECT_EQ(ending.more["metrics"], nlohmann::json({{"rmse", "0.41"}}));
  ASSERT_EQ(server.requests.size(), 2u);
  EXPECT_EQ(server.requests[0].method, "POST");
  EXPECT_EQ(server.requests[0].url, "http://127.0.0.1:8080/v2/models/fuel/infer");
  EXPECT_EQ(server.requests[0].body, "{\"x\":1}");
}

TEST_F(Verify, AsksWhereTheProtocolTakesRequests) {
  for (const auto& [protocol, path] :
       {std::pair("v1", "/v1/models/fuel:predict"), std::pair("json", "/")}) {
    options.protocol = protocol;
    server.then({.body = "{\"y\": 2}"});
    server.then({.body = "{\"y\": 4}"});
    EXPECT_EQ(run().reason, "Verified");
    EXPECT_EQ(server.requests.back().url, std::string("http://127.0.0.1:8080") + path);
  }
}

TEST_F(Verify, AWrongAnswerSaysWhichRequestWhereAndBothValues) {
  server.then({.body = "{\"y\": 2}"});
  server.then({.body = "{\"y\": 5}"});
  const Ending ending = run();
  EXPECT_EQ(ending.reason, "GoldenRequestsFailed");
  EXPECT_NE(ending.exitCode, 0);
  EXPECT_THAT(ending.message,
              HasSubstr("golden request 2 of examples.jsonl: y: expected 4.0, got 5"));
  EXPECT_EQ(ending.more["metrics"], nlohmann::json({{"rmse", "0.41"}})) << "also then";
}

TEST_F(Verify, AnErrorOfTheServerFailsAtOnceWithItsText) {
  server.then({.status = 500, .body = "ModuleNotFoundError: distutils"});
  const Ending ending = run();
  EXPECT_EQ(ending.reason, "GoldenRequestsFailed");
  EXPECT_THAT(ending.message, HasSubstr("HTTP 500 ModuleNotFoundError: distutils"));
  EXPECT_EQ(server.requests.size(), 1u);
}

TEST_F(Verify, AnAnswerThatIsNotJsonFails) {
  server.then({.body = "<html>"});
  EXPECT_THAT(run().message, HasSubstr("not JSON"));
}

TEST_F(Verify, WaitsForAServerThatStarts) {
  const http::TransportError refused{http::TransportError::Kind::Connect, Sent::No,
                                     "connection refused"};
  server.then({.broken = refused});
  server.then({.status = 503});
  server.then({.status = 404, .body = "model fuel is not loaded"});
  server.then({.body = "{\"y\": 2}"});
  server.then({.body = "{\"y\": 4}"});
  EXPECT_EQ(run().reason, "Verified");
  EXPECT_TRUE(server.done());
}

TEST_F(Verify, AServerThatNeverAnswersIsUnreachableWithWhatWasSeenLast) {
  options.timeout = std::chrono::seconds(5);  // the script is at its end: each try fails as Connect
  const Ending ending = run();
  EXPECT_EQ(ending.reason, "ServerUnreachable");
  EXPECT_NE(ending.exitCode, 0);
  EXPECT_THAT(ending.message, HasSubstr("in time (5s from the start)"));
  EXPECT_THAT(ending.message, HasSubstr("the script is at its end"));
  EXPECT_LE(clock.steady() - FakeClock().steady(), std::chrono::seconds(5));
}

TEST_F(Verify, TheTimeOutIsForTheStartAndNotForTheNumberOfRequests) {
  options.timeout = std::chrono::seconds(5);
  server.then(
      {.body = "{\"y\": 2}", .onRequest = [this] { clock.advance(std::chrono::seconds(5)); }});
  server.then(
      {.broken = http::TransportError{http::TransportError::Kind::Reset, Sent::Maybe, "reset"}});
  server.then({.body = "{\"y\": 4}"});
  EXPECT_EQ(run().reason, "Verified");
}

TEST_F(Verify, OnceItHasAnsweredAMissingModelIsAFailure) {
  server.then({.body = "{\"y\": 2}"});
  server.then({.status = 404, .body = "gone"});
  EXPECT_EQ(run().reason, "GoldenRequestsFailed");
}

TEST_F(Verify, WithoutExamplesTheServerOnlyHasToAnswer) {
  options.examples = folder / "none.jsonl";
  server.then({.status = 404});
  const Ending ending = run();
  EXPECT_EQ(ending.reason, "Verified") << ending.message;
  EXPECT_EQ(server.requests[0].method, "GET");
}

TEST_F(Verify, WithoutAServerTheMetricsAreAll) {
  options.url = "";
  const Ending ending = run();
  EXPECT_EQ(ending.reason, "Verified");
  EXPECT_EQ(ending.more["metrics"], nlohmann::json({{"rmse", "0.41"}}));
  EXPECT_TRUE(server.requests.empty());
}

TEST_F(Verify, MetricsMustBeThereAndRight) {
  folder.write("metrics.json", "{\"rmse\": }");
  EXPECT_EQ(run().reason, "MetricsMalformed");
  options.metrics = folder / "none.json";
  EXPECT_EQ(run().reason, "MetricsMissing");
}

TEST_F(Verify, ExamplesMustBeRight) {
  folder.write("examples.jsonl", "{\"request\": 1}\n");
  const Ending ending = run();
  EXPECT_EQ(ending.reason, "ExamplesMalformed");
  EXPECT_THAT(ending.message, HasSubstr("examples.jsonl, line 1"));
}

}  // namespace
}  // namespace reprise::agent
