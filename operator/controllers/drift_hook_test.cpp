#include "controllers/drift_hook.h"

#include <gtest/gtest.h>

#include "kube/testing/review_client.h"
#include "signals/signature.h"

namespace reprise::controllers {
namespace {

using kube::Json;

constexpr const char* kKey = "a key of 16 bytes and more";

struct DriftHookTest : testing::Test {
  kube::testing::ReviewClient client;
  FakeClock clock;
  Secrets secrets{client, clock};
  signals::Inbox inbox;
  std::shared_ptr<api::ModelDeployment> deployment = std::make_shared<api::ModelDeployment>();
  bool leads = true;
  std::vector<std::string> woken;
  std::vector<int> counted;
  DriftHook hook{
      {client, secrets, inbox, clock,
       [this](const runtime::Key& key) { return key.text() == "team/fuel" ? deployment : nullptr; },
       [this] { return leads; }, [this](const runtime::Key& key) { woken.push_back(key.text()); },
       [this](int status) { counted.push_back(status); }}};

  DriftHookTest() {
    deployment->meta.name = "fuel";
    deployment->meta.namespace_ = "team";
    deployment->spec.drift.emplace().source.webhook = api::WebhookSource{};
    client.tokenStatus = {
        {"authenticated", true}, {"audiences", {kDriftAudience}}, {"user", {{"username", "mes"}}}};
    client.accessStatus = {{"allowed", true}};
    // "a key of 16 bytes and more"
    client.secrets["team/hook"] = {{"data", {{"key", "YSBrZXkgb2YgMTYgYnl0ZXMgYW5kIG1vcmU="}}}};
  }

  static Json event(const std::string& id) {
    return {{"specversion", "1.0"},
            {"id", id},
            {"source", "/mes"},
            {"type", "dev.reprise.drift.detected"}};
  }
  static runtime::HttpCall call(const std::string& id = "e1") {
    runtime::HttpCall out;
    out.method = "POST";
    out.path = "/v1/drift/team/fuel";
    out.headers = {{"Content-Type", "application/cloudevents+json"},
                   {"Authorization", "Bearer secret"}};
    out.body = event(id).dump();
    out.peer = "10.0.0.1";
    return out;
  }
  runtime::HttpCall signedCall(const std::string& id = "e1", const std::string& key = kKey) {
    deployment->spec.drift->source.webhook->hmac = api::SecretText{{"hook", "key"}};
    auto out = call(id);
    const std::string time = std::to_string(clock.now().time_since_epoch().count() / 1000);
    out.headers[1] = {"webhook-id", id};
    out.headers.emplace_back("webhook-timestamp", time);
    out.headers.emplace_back("webhook-signature", signals::sign(id, time, out.body, key));
    return out;
  }
  static std::string header(const runtime::HttpReply& reply, const std::string& name) {
    for (const auto& [key, value] : reply.headers) {
      if (key == name) return value;
    }
    return {};
  }
  static std::string resultOf(const runtime::HttpReply& reply) {
    return std::to_string(reply.status) + " " +
           Json::parse(reply.body)["result"].get<std::string>();
  }
};

TEST_F(DriftHookTest, AGoodTokenWithTheRightIsTakenOnce) {
  EXPECT_EQ(resultOf(hook.answer(call())), "202 Accepted");
  ASSERT_EQ(inbox.pending("team/fuel").size(), 1u);
  EXPECT_EQ(inbox.pending("team/fuel")[0].at, clock.now());
  EXPECT_EQ(woken, std::vector<std::string>{"team/fuel"});
  EXPECT_EQ(client.asked[1]["spec"]["resourceAttributes"],
            Json::parse(R"({"verb":"create","group":"reprise.dev","resource":"modeldeployments",
                            "subresource":"drift","namespace":"team","name":"fuel"})"));
  EXPECT_EQ(resultOf(hook.answer(call())), "202 Duplicate");
  EXPECT_EQ(inbox.pending("team/fuel").size(), 1u);
  auto other = call();
  other.body = [] {
    Json body = event("e1");
    body["data"] = {{"version", "fuel-1"}};
    return body.dump();
  }();
  EXPECT_EQ(hook.answer(other).status, 409) << "the id of another event";
  EXPECT_EQ(counted, (std::vector<int>{202, 202, 409}));
}

TEST_F(DriftHookTest, EachEventOfABatchHasItsOwnOutcome) {
  auto batch = call();
  batch.headers[0].second = "application/cloudevents-batch+json; charset=UTF-8";
  Json bad = event("e2");
  bad.erase("type");
  batch.body = Json::array({event("e1"), bad, event("e1"), 7, event("e3")}).dump();
  const auto answer = hook.answer(batch);
  EXPECT_EQ(answer.status, 202);
  const Json results = Json::parse(answer.body)["results"];
  ASSERT_EQ(results.size(), 5u);
  const auto is = [&](std::size_t at, int status, const char* result) {
    EXPECT_EQ(results[at]["status"], status) << at;
    EXPECT_EQ(results[at]["result"], result) << at;
  };
  is(0, 202, "Accepted");
  is(1, 400, "Refused");
  is(2, 202, "Duplicate");
  is(3, 400, "Refused");
  is(4, 202, "Accepted");
  EXPECT_EQ(results[4]["id"], "e3");
  EXPECT_NE(results[1]["message"].get<std::string>().find("type"), std::string::npos);
  EXPECT_EQ(inbox.pending("team/fuel").size(), 2u);
}

TEST_F(DriftHookTest, ABatchOfWhichNothingIsTakenIsNotDelivered) {
  auto batch = call();
  batch.headers[0].second = "application/cloudevents-batch+json";
  const auto answer = [&](const Json& body) {
    batch.body = body.dump();
    return hook.answer(batch);
  };
  EXPECT_EQ(answer(Json::array()).status, 202) << "an empty one is allowed";
  EXPECT_EQ(answer(Json::array({7})).status, 400);
  EXPECT_EQ(answer(event("e1")).status, 400) << "no array";
  Json many = Json::array();
  for (int i = 0; i < 11; ++i) many.push_back(event("m" + std::to_string(i)));
  EXPECT_EQ(answer(many).status, 413);
  EXPECT_TRUE(inbox.pending("team/fuel").empty());
  many.erase(10);
  EXPECT_EQ(answer(many).status, 202);
  EXPECT_EQ(inbox.pending("team/fuel").size(), 10u);
  const auto full = answer(Json::array({event("n1"), event("n2")}));
  EXPECT_EQ(full.status, 429);
  EXPECT_NE(header(full, "Retry-After"), "");
  EXPECT_EQ(Json::parse(full.body)["results"].size(), 2u);
}

TEST_F(DriftHookTest, ABatchMayBeSigned) {
  auto batch = signedCall();
  batch.headers[0].second = "application/cloudevents-batch+json";
  EXPECT_EQ(hook.answer(batch).status, 400) << "its body is one event";
  const std::string time = std::to_string(clock.now().time_since_epoch().count() / 1000);
  batch.body = Json::array({event("e1")}).dump();
  for (auto& [name, value] : batch.headers) {
    if (name == "webhook-signature") value = signals::sign("e1", time, batch.body, kKey);
  }
  EXPECT_EQ(hook.answer(batch).status, 202);
}

TEST_F(DriftHookTest, TheHandshakeAllowsWhoAsksAndSaysHowOften) {
  runtime::HttpCall ask;
  ask.method = "OPTIONS";
  ask.path = "/v1/drift/team/fuel";
  ask.peer = "10.0.0.1";
  EXPECT_EQ(hook.answer(ask).status, 400) << "it must say who it is";
  ask.headers = {{"WebHook-Request-Origin", "eventemitter.example.com"}};
  leads = false;
  const auto allowed = hook.answer(ask);
  EXPECT_EQ(allowed.status, 200);
  EXPECT_EQ(header(allowed, "WebHook-Allowed-Origin"), "eventemitter.example.com");
  EXPECT_EQ(header(allowed, "WebHook-Allowed-Rate"), "10");
  EXPECT_EQ(header(allowed, "Allow"), "POST");
  ask.path = "/v1/drift/team/nothing";
  EXPECT_EQ(hook.answer(ask).status, 200) << "it tells nobody what is there";
  ask.headers[0].second = "a\nb";
  EXPECT_EQ(hook.answer(ask).status, 400);
}

TEST_F(DriftHookTest, WhatTheStatusHasIsKnownAfterARestart) {
  deployment->status.outside.emplace().signals = {{"e1", "/mes", clock.now(), "Alarm", ""}};
  EXPECT_EQ(resultOf(hook.answer(call())), "202 Duplicate");
  EXPECT_TRUE(inbox.pending("team/fuel").empty());
}

TEST_F(DriftHookTest, WhoIsNotKnownOrMayNotIsToldSo) {
  auto nobody = call();
  nobody.headers.pop_back();
  const auto refused = hook.answer(nobody);
  EXPECT_EQ(refused.status, 401);
  EXPECT_EQ(header(refused, "WWW-Authenticate"), "Bearer");
  client.accessStatus = {{"allowed", false}};
  EXPECT_EQ(hook.answer(call()).status, 403);
  client.tokenStatus["audiences"] = Json::array({"https://kubernetes.default.svc"});
  EXPECT_EQ(hook.answer(call()).status, 401);
  client.broken = Error{ErrorCode::Unavailable, "away"};
  const auto later = hook.answer(call());
  EXPECT_EQ(later.status, 503);
  EXPECT_NE(header(later, "Retry-After"), "");
  EXPECT_TRUE(inbox.pending("team/fuel").empty());
}

TEST_F(DriftHookTest, AnUnreadableRequestIsAnsweredWithItsField) {
  auto bad = call();
  bad.body = R"({"specversion":"1.0","id":"1","source":"s"})";
  const auto refused = hook.answer(bad);
  EXPECT_EQ(refused.status, 400);
  EXPECT_NE(refused.body.find("type"), std::string::npos);
  bad.headers[0].second = "text/plain";
  EXPECT_EQ(hook.answer(bad).status, 415);
}

TEST_F(DriftHookTest, PathsThatNameNoDeploymentThatListensAreNotFound) {
  for (const std::string path : {"/v1/drift/team/other", "/v1/drift/team", "/v1/drift/team/fuel/x",
                                 "/v1/drift//fuel", "/v1/drift/team/..%2f", "/v1/drift/team/"}) {
    auto one = call();
    one.path = path;
    EXPECT_EQ(hook.answer(one).status, 404) << path;
  }
  deployment->spec.drift->source.webhook.reset();
  EXPECT_EQ(hook.answer(call()).status, 404);
}

TEST_F(DriftHookTest, ASignedBodyIsTakenWithoutAsking) {
  EXPECT_EQ(resultOf(hook.answer(signedCall())), "202 Accepted");
  EXPECT_TRUE(client.asked.empty());
}

TEST_F(DriftHookTest, AnotherKeyBodyOrTimeIsRefusedAndSaysNothingOfWhatIsThere) {
  const auto wrong = hook.answer(signedCall("e1", "another key of 16 bytes"));
  EXPECT_EQ(wrong.status, 401);
  auto changed = signedCall();
  changed.body = event("e2").dump();
  EXPECT_EQ(hook.answer(changed).status, 401);
  auto old = signedCall();
  clock.advance(std::chrono::minutes(6));
  EXPECT_EQ(hook.answer(old).status, 401);
  client.secrets.clear();
  clock.advance(std::chrono::minutes(1));
  EXPECT_EQ(hook.answer(signedCall()).body, wrong.body) << "no Secret";
  auto elsewhere = signedCall();
  elsewhere.path = "/v1/drift/team/other";
  EXPECT_EQ(hook.answer(elsewhere).body, wrong.body) << "no such deployment";
  auto without = signedCall();
  deployment->spec.drift->source.webhook->hmac.reset();
  EXPECT_EQ(hook.answer(without).body, wrong.body) << "no key in the spec";
  EXPECT_TRUE(inbox.pending("team/fuel").empty());
}

TEST_F(DriftHookTest, AStandbyAsksToTryAgainElsewhere) {
  leads = false;
  const auto reply = hook.answer(call());
  EXPECT_EQ(reply.status, 503);
  EXPECT_TRUE(reply.close);
  EXPECT_NE(header(reply, "Retry-After"), "");
  EXPECT_TRUE(client.asked.empty());
}

TEST_F(DriftHookTest, OneDeploymentTakesNoMoreThanItsShare) {
  int taken = 0;
  runtime::HttpReply last;
  for (int i = 0; i < 15; ++i) {
    last = hook.answer(call("e" + std::to_string(i)));
    taken += last.status == 202;
  }
  EXPECT_EQ(taken, 10);
  EXPECT_EQ(last.status, 429);
  EXPECT_EQ(header(last, "Retry-After"), "7");
  inbox.done("team/fuel", inbox.pending("team/fuel"));
  clock.advance(std::chrono::seconds(6));
  EXPECT_EQ(hook.answer(call("later")).status, 202);
}

TEST_F(DriftHookTest, AnAddressThatGuessesIsSlowedDownBeforeTheApiServerIsAsked) {
  client.tokenStatus = {{"authenticated", false}};
  int asked = 0;
  for (int i = 0; i < 200; ++i) asked += hook.answer(call()).status == 401;
  EXPECT_EQ(asked, 60);
  EXPECT_EQ(client.asked.size(), 60u);
  auto other = call();
  other.peer = "10.0.0.2";
  EXPECT_EQ(hook.answer(other).status, 401) << "another address is not";
}

struct SecretsTest : testing::Test {
  kube::testing::ReviewClient client;
  FakeClock clock;
  Secrets secrets{client, clock};
};

TEST_F(SecretsTest, AreKeptForSecondsAndReadAgain) {
  client.secrets["a/s"] = {{"data", {{"k", "b25l"}}}};
  EXPECT_EQ(*secrets.read("a", "s", "k"), "one");
  client.secrets["a/s"]["data"]["k"] = "dHdv";
  EXPECT_EQ(*secrets.read("a", "s", "k"), "one");
  clock.advance(Secrets::kKeep);
  EXPECT_EQ(*secrets.read("a", "s", "k"), "two");
}

TEST_F(SecretsTest, WhatIsMissingIsNamedWithItsMend) {
  EXPECT_EQ(secretReason(secrets.read("a", "s", "k").error().code), "SecretNotFound");
  client.secrets["a/t"] = {{"data", Json::object()}};
  EXPECT_NE(secrets.read("a", "t", "k").error().message.find("no key 'k'"), std::string::npos);
  client.secrets["a/u"] = Json::object();
  EXPECT_FALSE(secrets.read("a", "u", "k"));
  client.broken = Error{ErrorCode::Forbidden, "no"};
  const auto forbidden = secrets.read("a", "v", "k");
  EXPECT_EQ(secretReason(forbidden.error().code), "SecretForbidden");
  EXPECT_NE(forbidden.error().message.find("secrets.read=true"), std::string::npos);
}

TEST(SigningKey, IsTextOrWhsec) {
  EXPECT_EQ(*signingKey("sixteen bytes ok\n", "s"), "sixteen bytes ok");
  EXPECT_EQ(signingKey("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "s")->size(), 24u);
  EXPECT_FALSE(signingKey("short", "s"));
  EXPECT_FALSE(signingKey("", "s"));
  EXPECT_FALSE(signingKey("whsec_????", "s"));
}

}  // namespace
}  // namespace reprise::controllers
