// Drift signals from outside: the operator itself, against a real API server that reviews tokens
// and rights, and a real Prometheus where there is one.
#include <cstdlib>
#include <filesystem>

#include "api/crd.h"
#include "api/meta.h"
#include "api_fixture.h"
#include "child_process.h"
#include "signals/signature.h"

namespace reprise::kube {
namespace {

const Resource kDefinitions{"apiextensions.k8s.io", "v1", "CustomResourceDefinition",
                            "customresourcedefinitions", false};
const Resource kRoles{"rbac.authorization.k8s.io", "v1", "Role", "roles"};
const Resource kSecrets{"", "v1", "Secret", "secrets"};
constexpr const char* kKey = "a key of more than 16 bytes";

class DriftSourceApi : public ApiTest {
 protected:
  void SetUp() override {
    ApiTest::SetUp();
    for (const auto& kind : api::customResourceDefinitions()) {
      const auto made = client_->apply(kDefinitions, "", Json::parse(kind.definition.dump()));
      ASSERT_TRUE(made) << made.error().message;
    }
    ASSERT_TRUE(eventually([&] {
      return client_->list(resources::modelDeployments, ns_) &&
             client_->list(resources::trainingPipelines, ns_) &&
             client_->list(resources::modelVersions, ns_);
    }));
    folder_ = std::filesystem::temp_directory_path() / ns_;
    std::filesystem::create_directories(folder_);
  }
  void TearDown() override {
    if (HasFailure() && operator_) std::cerr << operator_->said() << "\n";
    operator_.reset();
    std::filesystem::remove_all(folder_);
    ApiTest::TearDown();
  }

  void runOperator() {
    operator_.reset();
    port_ = freePort();
    operator_ = std::make_unique<ChildProcess>(
        std::vector<std::string>{
            REPRISE_OPERATOR, "--agent-image", "registry.example.com/reprise:1",
            "--watch-namespace", ns_, "--health-port", std::to_string(freePort()), "--metrics-port",
            std::to_string(freePort()), "--webhook-port", std::to_string(port_)},
        (folder_ / "operator.log").string());
    ASSERT_TRUE(eventually([&] { return post({}, "").status == 401; })) << operator_->said();
  }

  http::Response post(http::Headers headers, const std::string& body,
                      const std::string& name = "fuel") {
    const auto answer = plain_->send(
        {"POST", "http://127.0.0.1:" + std::to_string(port_) + "/v1/drift/" + ns_ + "/" + name,
         std::move(headers), body},
        std::chrono::seconds(10));
    return answer ? *answer : http::Response{};
  }
  static std::string event(const std::string& id, const Json& data) {
    return Json{{"specversion", "1.0"},
                {"id", id},
                {"source", "/mes"},
                {"type", "dev.reprise.drift.detected"},
                {"data", data}}
        .dump();
  }
  http::Response sendWith(const std::string& token, const std::string& body) {
    return post(
        {{"Content-Type", "application/cloudevents+json"}, {"Authorization", "Bearer " + token}},
        body);
  }
  http::Response sendSigned(const std::string& id, const std::string& body,
                            const std::string& key) {
    const std::string time = std::to_string(std::time(nullptr));
    return post({{"Content-Type", "application/cloudevents+json"},
                 {"webhook-id", id},
                 {"webhook-timestamp", time},
                 {"webhook-signature", signals::sign(id, time, body, key)}},
                body);
  }

  std::string tokenFor(const std::string& account, const Json& audiences) {
    const Json ask = {{"apiVersion", "authentication.k8s.io/v1"},
                      {"kind", "TokenRequest"},
                      {"spec", {{"expirationSeconds", 3600}, {"audiences", audiences}}}};
    const auto answer =
        connection_->send("POST", resources::serviceAccounts.path(ns_, account, "token"), {},
                          ask.dump(), "application/json");
    EXPECT_TRUE(answer && answer->status == 201) << (answer ? answer->body : "");
    return Json::parse(answer->body)["status"]["token"];
  }
  void letSend(const std::string& account) {
    ASSERT_TRUE(client_->create(kRoles, ns_,
                                {{"apiVersion", kRoles.apiVersion()},
                                 {"kind", "Role"},
                                 {"metadata", {{"name", account}}},
                                 {"rules", Json::array({{{"apiGroups", {"reprise.dev"}},
                                                         {"resources", {"modeldeployments/drift"}},
                                                         {"verbs", {"create"}}}})}}));
    ASSERT_TRUE(client_->create(
        resources::roleBindings, ns_,
        {{"apiVersion", resources::roleBindings.apiVersion()},
         {"kind", "RoleBinding"},
         {"metadata", {{"name", account}}},
         {"roleRef",
          {{"apiGroup", "rbac.authorization.k8s.io"}, {"kind", "Role"}, {"name", account}}},
         {"subjects",
          Json::array({{{"kind", "ServiceAccount"}, {"name", account}, {"namespace", ns_}}})}}));
  }

  void addVersion(const std::string& name, const std::string& context) {
    const std::string hash(64, 'a');
    const auto made = client_->create(
        resources::modelVersions, ns_,
        {{"apiVersion", api::kApiVersion},
         {"kind", "ModelVersion"},
         {"metadata", {{"name", name}}},
         {"spec",
          {{"model", "fuel"},
           {"context", {{"vehicle", context}}},
           {"artifact", {{"uri", "pvc://models/sha256/" + hash}, {"sha256", hash}, {"bytes", 1}}},
           {"environment", {{"image", "registry.example.com/fuel@sha256:" + hash}}}}}});
    ASSERT_TRUE(made) << made.error().message;
  }
  Json deployment(const Json& source) const {
    const Json container = {{"name", "server"}, {"command", {"serve"}}};
    return {{"apiVersion", api::kApiVersion},
            {"kind", "ModelDeployment"},
            {"metadata", {{"name", "fuel"}}},
            {"spec",
             {{"model", "fuel"},
              {"version", {{"auto", Json::object()}}},
              {"template", {{"spec", {{"containers", Json::array({container})}}}}},
              {"drift", {{"source", source}, {"onDrift", {{"switch", Json::object()}}}}}}}};
  }
  Json status() {
    const auto object = client_->get(resources::modelDeployments, ns_, "fuel");
    return object ? object->value("status", Json::object()) : Json::object();
  }
  std::string condition(const std::string& type) {
    for (const auto& one : status().value("conditions", Json::array())) {
      if (one["type"] == type)
        return one["status"].get<std::string>() + " " + one["reason"].get<std::string>();
    }
    return "";
  }
  Json lastDecision() {
    const auto all = status().value("decisions", Json::array());
    return all.empty() ? Json::object() : all.back();
  }
  // What a kubelet and the Deployment controller would do.
  bool comesUp(const std::string& version) {
    return eventually([&] {
      client_->mergePatch(resources::deployments, ns_, "fuel-" + version,
                          {{"status",
                            {{"observedGeneration", 1000},
                             {"replicas", 1},
                             {"updatedReplicas", 1},
                             {"readyReplicas", 1},
                             {"availableReplicas", 1}}}},
                          "status");
      return status().value("active", "") == version;
    });
  }

  const std::shared_ptr<http::Transport> plain_ = http::makeCpprestTransport({});
  std::filesystem::path folder_;
  std::unique_ptr<ChildProcess> operator_;
  std::uint16_t port_ = 0;
};

TEST_F(DriftSourceApi, ASourceThatCannotWorkIsRefusedWithASentence) {
  const auto refused = [&](const Json& source) {
    const auto made = client_->create(resources::modelDeployments, ns_, deployment(source));
    return made ? "" : made.error().message;
  };
  const auto has = [](const std::string& text, const std::string& part) {
    return text.find(part) != std::string::npos;
  };
  EXPECT_TRUE(has(refused(Json::object()), "at least one of monitor, prometheus and webhook"));
  const Json good = {
      {"serverAddress", "http://prometheus:9090"}, {"query", "up"}, {"threshold", "0.2"}};
  const auto with = [&](const char* key, const Json& value) {
    Json out = good;
    out[key] = value;
    return refused({{"prometheus", out}});
  };
  EXPECT_TRUE(has(with("serverAddress", "prometheus:9090"), "must be an http:// or https://"));
  EXPECT_TRUE(has(with("serverAddress", "http://a:b@p"), "must be an http:// or https://"));
  EXPECT_TRUE(has(with("threshold", "high"), "must be a decimal number"));
  EXPECT_TRUE(has(with("interval", "1ms"), "interval must be 1s to 1h"));
  EXPECT_TRUE(has(with("bearerToken", {{"secretKeyRef", {{"name", "s"}, {"key", "k"}}}}),
                  "sent only over https"));
  EXPECT_TRUE(
      has(refused({{"webhook", {{"replayWindow", "2h"}}}}), "replayWindow must be 5s to 1h"));
  EXPECT_EQ(
      refused({{"prometheus", good}, {"monitor", Json::object()}, {"webhook", Json::object()}}), "")
      << "they may stand beside each other";
}

TEST_F(DriftSourceApi, SendersAreKnownByTheirTokenOrTheirSignatureAndTheOperatorDecides) {
  addVersion("fuel-1", "vehicle-a");
  addVersion("fuel-2", "vehicle-b");
  const auto made = client_->create(
      resources::modelDeployments, ns_,
      deployment({{"webhook",
                   {{"cooldown", "1s"},
                    {"hmac", {{"secretKeyRef", {{"name", "hook"}, {"key", "key"}}}}}}}}));
  ASSERT_TRUE(made) << made.error().message;
  ASSERT_NO_FATAL_FAILURE(runOperator());
  ASSERT_TRUE(comesUp("fuel-2"));
  EXPECT_EQ(condition("SignalsReady"), "False SecretNotFound");

  for (const char* name : {"mes", "stranger"}) {
    ASSERT_TRUE(client_->create(
        resources::serviceAccounts, ns_,
        {{"apiVersion", "v1"}, {"kind", "ServiceAccount"}, {"metadata", {{"name", name}}}}));
  }
  ASSERT_NO_FATAL_FAILURE(letSend("mes"));
  const std::string body = event("e1", {{"version", "fuel-1"}});
  EXPECT_EQ(sendWith("nonsense", body).status, 401);
  EXPECT_EQ(sendWith(tokenFor("mes", Json::array()), body).status, 401) << "another audience";
  const Json ours = Json::array({"reprise.dev/drift"});
  EXPECT_EQ(sendWith(tokenFor("stranger", ours), body).status, 403);
  const std::string token = tokenFor("mes", ours);
  const auto taken = sendWith(token, body);
  EXPECT_EQ(taken.status, 202) << taken.body;
  ASSERT_TRUE(eventually([&] { return lastDecision().value("action", "") == "Switch"; }));
  EXPECT_EQ(lastDecision()["to"], "fuel-1");
  EXPECT_EQ(lastDecision()["signal"], "Webhook");
  ASSERT_TRUE(comesUp("fuel-1"));

  // Killed and started again, it knows the event from the status.
  operator_->end(SIGKILL);
  ASSERT_NO_FATAL_FAILURE(runOperator());
  const auto again = sendWith(token, body);
  EXPECT_EQ(again.status, 202);
  EXPECT_EQ(Json::parse(again.body)["result"], "Duplicate");

  ASSERT_TRUE(client_->create(kSecrets, ns_,
                              {{"apiVersion", "v1"},
                               {"kind", "Secret"},
                               {"metadata", {{"name", "hook"}}},
                               {"stringData", {{"key", kKey}}}}));
  const std::string back = event("e2", {{"context", "vehicle-b"}});
  EXPECT_EQ(sendSigned("e2", back, "a wrong key of 16 bytes").status, 401);
  // That there was no Secret is remembered for seconds.
  ASSERT_TRUE(eventually([&] { return sendSigned("e2", back, kKey).status == 202; }));
  ASSERT_TRUE(eventually([&] { return lastDecision().value("to", "") == "fuel-2"; }));
  EXPECT_EQ(lastDecision()["reason"], "KnownContext");
  ASSERT_TRUE(comesUp("fuel-2"));
  EXPECT_TRUE(eventually([&] { return condition("SignalsReady") == "True Listening"; }));
}

TEST_F(DriftSourceApi, AQueryOfARealPrometheusRaisesTheAlarmAndItsErrorsAreConditions) {
  const char* program = std::getenv("REPRISE_PROMETHEUS");
  if (!program) GTEST_SKIP() << "REPRISE_PROMETHEUS names no Prometheus";
  const auto port = freePort();
  const std::string address = "http://127.0.0.1:" + std::to_string(port);
  std::ofstream(folder_ / "prometheus.yml") << "scrape_configs: []\n";
  ChildProcess prometheus({program, "--config.file=" + (folder_ / "prometheus.yml").string(),
                           "--storage.tsdb.path=" + (folder_ / "data").string(),
                           "--web.listen-address=127.0.0.1:" + std::to_string(port)},
                          (folder_ / "prometheus.log").string());
  addVersion("fuel-1", "vehicle-a");
  const auto ask = [&](const std::string& query) {
    Json object = deployment({{"prometheus",
                               {{"serverAddress", address},
                                {"query", query},
                                {"threshold", "0.5"},
                                {"interval", "1s"}}}});
    const auto done = client_->apply(resources::modelDeployments, ns_, object);
    EXPECT_TRUE(done) << done.error().message;
  };
  ask("vector(0.4)");
  ASSERT_NO_FATAL_FAILURE(runOperator());
  ASSERT_TRUE(comesUp("fuel-1"));
  const auto becomes = [&](const std::string& type, const std::string& wanted) {
    EXPECT_TRUE(eventually([&] { return condition(type) == wanted; }))
        << type << ": " << condition(type);
  };
  becomes("SignalsReady", "True Listening");
  EXPECT_EQ(condition("Drifted"), "False NoAlarm");
  ask("vector(");
  becomes("SignalsReady", "False QueryRefused");
  ask("nothing_of_that_name");
  becomes("SignalsReady", "False QueryEmpty");
  ask("vector(1) / 0 * 0");
  becomes("SignalsReady", "False QueryNotANumber");
  ask("label_replace(vector(1), 'a', 'b', '', '') or vector(1)");
  becomes("SignalsReady", "False QueryManySeries");
  ask("'text'");
  becomes("SignalsReady", "False QueryWrongType");
  ask("vector(1)[5m:1m]");
  becomes("SignalsReady", "False QueryWrongType");
  ask("scalar(vector(0.6))");
  becomes("Drifted", "True NoRetrain");
  EXPECT_EQ(status()["outside"]["alarm"]["score"], "0.6");
  ask("vector(0.5)");
  becomes("Drifted", "False NoAlarm");
  prometheus.end(SIGKILL);
  becomes("SignalsReady", "False PrometheusUnreachable");
}

}  // namespace
}  // namespace reprise::kube
