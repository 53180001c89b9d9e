#include "agent/publish.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "agent/fetch.h"
#include "agent/store.h"
#include "agent/testing/folder.h"
#include "api/codec.h"
#include "drift/profile.h"
#include "json/view.h"
#include "kube/http_client.h"
#include "kube/testing/scripted_transport.h"

namespace reprise::agent {
namespace {

namespace fs = std::filesystem;
using kube::testing::Answer;
using nlohmann::json;
using ::testing::HasSubstr;

constexpr const char* kImage =
    "registry.example.com/"
    "fuel@sha256:0000000000000000000000000000000000000000000000000000000000000000";

json refusal(int code, const std::string& reason, const std::string& message) {
  return {{"kind", "Status"},
          {"status", "Failure"},
          {"code", code},
          {"reason", reason},
          {"message", message}};
}

class Publish : public ::testing::Test {
 protected:
  void SetUp() override {
    run = {{"version", "fuel-7"},
           {"namespace", "ml"},
           {"model", "fuel"},
           {"storeUri", "pvc://models"},
           {"image", kImage},
           {"labels", {{"reprise.dev/pipeline", "fuel"}}},
           {"lineage",
            {{"pipeline", "fuel"},
             {"run", "fuel-7"},
             {"trigger", "Drift"},
             {"parent", "fuel-6"},
             {"dataUri", "file:///data"},
             {"parameters", {{"epochs", "20"}}}}}};
    folder.write("input/run.json", run.dump());
    folder.write(
        "output/.reprise/environment.json",
        R"({"python": "3.11.2", "packages": {"numpy": "1.26.4"}, "platform": "linux/amd64"})");
    folder.write("output/model/model.bin", "weights");
    folder.write("output/metrics.json", R"({"rmse": 0.41})");
    folder.write("output/examples.jsonl", "{\"request\": {\"x\": 1}, \"response\": {\"y\": 2}}\n");
    folder.write("output/data.csv", rows("a,b", 40));
  }

  static std::string rows(const std::string& header, int count) {
    std::string text = header + "\n";
    for (int i = 0; i < count; ++i)
      text += std::to_string(i % 7) + "," + std::to_string(i * 0.5) + "\n";
    return text;
  }

  Ending publishNow(const std::string& context = "") {
    kube::Access access;
    access.server = "https://api";
    access.tls = [] { return http::TlsOptions{}; };
    access.credentials = kube::fixedCredentials("Bearer token");
    const auto connect = [&]() -> Expected<std::shared_ptr<kube::Client>> {
      ++connections;
      connection = std::make_unique<kube::ApiConnection>(
          access, [this](const http::TlsOptions&) { return server; });
      return std::make_shared<kube::HttpClient>(*connection);
    };
    return publish({folder / "input", folder / "output", folder / "store", "pod-1", context},
                   connect, {clock, [this](Milliseconds wait) {
                               waits.push_back(wait);
                               clock.advance(wait);
                             }});
  }

  // Of a run that is refused before anything is stored or sent.
  std::string refusedWith(const std::string& reason) {
    const Ending ending = publishNow();
    EXPECT_EQ(ending.reason, reason) << ending.message;
    EXPECT_NE(ending.exitCode, 0);
    EXPECT_FALSE(fs::exists(folder / "store"));
    EXPECT_EQ(connections, 0);
    return ending.message;
  }

  json sent() const { return json::parse(server->requests.at(0).body); }

  testing_support::Folder folder;
  json run;
  std::shared_ptr<kube::testing::ScriptedTransport> server =
      std::make_shared<kube::testing::ScriptedTransport>();
  std::unique_ptr<kube::ApiConnection> connection;
  FakeClock clock;
  std::vector<Milliseconds> waits;
  int connections = 0;
};

TEST_F(Publish, ARunBecomesAVersionWithAllThatIsKnownOfIt) {
  server->then({.status = 201, .body = "{}"});
  const Ending ending = publishNow();
  ASSERT_EQ(ending.reason, "Published") << ending.message;
  EXPECT_EQ(ending.exitCode, 0);
  EXPECT_EQ(server->requests.at(0).method, "POST");
  EXPECT_THAT(server->requests.at(0).url,
              HasSubstr("/apis/reprise.dev/v1alpha1/namespaces/ml/modelversions"));

  const auto version = api::decodeModelVersion(JsonText(sent()));
  ASSERT_TRUE(version) << version.error().message;
  EXPECT_EQ(version->meta.name, "fuel-7");
  EXPECT_EQ(version->meta.label("reprise.dev/model"), "fuel");
  EXPECT_EQ(version->meta.label("reprise.dev/pipeline"), "fuel");
  const auto& spec = version->spec;
  EXPECT_EQ(spec.model, "fuel");
  EXPECT_EQ(spec.environment.image, kImage);
  EXPECT_EQ(spec.environment.python, "3.11.2");
  EXPECT_EQ(spec.environment.packages.at("numpy"), "1.26.4");
  EXPECT_EQ(spec.environment.packagesSha256.size(), 64u);
  EXPECT_EQ(spec.environment.platform, "linux/amd64");
  EXPECT_EQ(spec.metrics.at("rmse"), "0.41");
  EXPECT_EQ(spec.lineage.run, "fuel-7");
  EXPECT_EQ(spec.lineage.parent, "fuel-6");
  EXPECT_EQ(spec.lineage.parameters.at("epochs"), "20");
  EXPECT_EQ(spec.artifact.uri, "pvc://models/sha256/" + spec.artifact.sha256);
  EXPECT_EQ(
      spec.artifact.bytes,
      static_cast<std::int64_t>(fs::file_size(storedPath(folder / "store", spec.artifact.sha256))));
  const auto profile = drift::ProfileDocument::fromJson(spec.profile);
  ASSERT_TRUE(profile) << profile.error().message;
  EXPECT_EQ(profile->profile.rows(), 40);

  EXPECT_EQ(fetch({folder / "store", spec.artifact.sha256, folder / "served"}).reason, "Fetched");
  EXPECT_EQ(folder.read("served/model.bin"), "weights");
  EXPECT_EQ(folder.read("served/.reprise/examples.jsonl"), folder.read("output/examples.jsonl"));
}

TEST_F(Publish, TheBasisOfEarlierVersionsIsCarriedOn) {
  server->then({.status = 201, .body = "{}"});
  ASSERT_EQ(publishNow().reason, "Published");
  const json first = sent()["spec"]["profile"];
  folder.write("input/basis.json", first["basis"].dump());
  folder.write("output/data.csv", rows("a,b", 500));  // would give another basis
  server->requests.clear();
  server->then({.status = 201, .body = "{}"});
  ASSERT_EQ(publishNow().reason, "Published");
  EXPECT_EQ(sent()["spec"]["profile"]["basis"], first["basis"]);
}

TEST_F(Publish, PredictionsAreCountedAsTheFirstVersionFixesIt) {
  std::string answers = "answer\n";
  for (int i = 0; i < 40; ++i) answers += i % 4 ? "1\n" : "2\n";
  folder.write("output/predictions.csv", answers);
  server->then({.status = 201, .body = "{}"});
  ASSERT_EQ(publishNow().reason, "Published");
  const json first = sent()["spec"]["profile"];
  EXPECT_EQ(first["basis"]["prediction"]["categories"], (json{"1", "2"}));
  EXPECT_EQ(first["profile"]["predictions"]["bins"], (json{30, 10, 0}));
  folder.write("input/basis.json", first["basis"].dump());
  folder.write("output/predictions.csv", answers.replace(7, 1, "3"));
  server->requests.clear();
  server->then({.status = 201, .body = "{}"});
  ASSERT_EQ(publishNow().reason, "Published");
  EXPECT_EQ(sent()["spec"]["profile"]["basis"], first["basis"]);
  EXPECT_EQ(sent()["spec"]["profile"]["profile"]["predictions"]["bins"], (json{30, 9, 1}));
}

TEST_F(Publish, PredictionsThatEarlierVersionsHadNotAreLeftOutAndItIsSaid) {
  server->then({.status = 201, .body = "{}"});
  ASSERT_EQ(publishNow().reason, "Published");
  folder.write("input/basis.json", sent()["spec"]["profile"]["basis"].dump());
  std::string answers = "answer\n";
  for (int i = 0; i < 40; ++i) answers += "yes\n";
  folder.write("output/predictions.csv", answers);
  server->requests.clear();
  server->then({.status = 201, .body = "{}"});
  const auto ending = publishNow();
  EXPECT_EQ(ending.reason, "Published");
  EXPECT_THAT(ending.message, HasSubstr("predictions are not counted"));
  EXPECT_FALSE(sent()["spec"]["profile"]["profile"].contains("predictions"));
}

TEST_F(Publish, PredictionsMustFitTheRows) {
  folder.write("output/predictions.csv", "answer\n1\n2\n");
  EXPECT_THAT(refusedWith("DataMalformed"), HasSubstr("has 2 rows, the data 40"));
  folder.write("output/predictions.csv", "a,b\n1,2\n");
  EXPECT_THAT(refusedWith("DataMalformed"), HasSubstr("must name one column"));
  folder.write("output/predictions.csv", "");
  EXPECT_THAT(refusedWith("DataMalformed"), HasSubstr("predictions.csv"));
  folder.write("output/predictions.csv", "answer\n1\n");
  fs::remove(folder / "output/data.csv");
  EXPECT_THAT(refusedWith("DataMalformed"), HasSubstr("without the rows"));
}

TEST_F(Publish, OtherColumnsGetAnotherBasisAndItIsSaid) {
  server->then({.status = 201, .body = "{}"});
  ASSERT_EQ(publishNow().reason, "Published");
  folder.write("input/basis.json", sent()["spec"]["profile"]["basis"].dump());
  folder.write("output/data.csv", rows("a,c", 40));
  server->then({.status = 201, .body = "{}"});
  EXPECT_THAT(publishNow().message, HasSubstr("cannot be compared with those of earlier versions"));
}

TEST_F(Publish, AReadyProfileAndJsonLinesDoAsWell) {
  server->then({.status = 201, .body = "{}"});
  ASSERT_EQ(publishNow().reason, "Published");
  const json profile = sent()["spec"]["profile"];
  fs::remove(folder / "output/data.csv");
  folder.write("output/profile.json", profile.dump());
  server->requests.clear();
  server->then({.status = 201, .body = "{}"});
  ASSERT_EQ(publishNow().reason, "Published");
  EXPECT_EQ(sent()["spec"]["profile"], profile);

  fs::remove(folder / "output/profile.json");
  std::string lines;
  for (int i = 0; i < 30; ++i) lines += "{\"a\": " + std::to_string(i) + "}\n";
  folder.write("output/data.jsonl", lines);
  server->requests.clear();
  server->then({.status = 201, .body = "{}"});
  ASSERT_EQ(publishNow().reason, "Published");
  EXPECT_EQ(sent()["spec"]["profile"]["basis"]["features"][0]["name"], "a");
}

TEST_F(Publish, WithoutDataAndExamplesThereIsAVersionWithoutProfile) {
  fs::remove(folder / "output/data.csv");
  fs::remove(folder / "output/examples.jsonl");
  server->then({.status = 201, .body = "{}"});
  ASSERT_EQ(publishNow().reason, "Published");
  EXPECT_FALSE(sent()["spec"].contains("profile"));
}

TEST_F(Publish, AModelThatIsNotThereIsMissing) {
  fs::remove_all(folder / "output/model");
  EXPECT_THAT(refusedWith("ModelMissing"), HasSubstr("spec.train must write the trained model"));
  fs::create_directories(folder / "output/model");
  EXPECT_THAT(refusedWith("ModelMissing"), HasSubstr("is empty"));
}

TEST_F(Publish, MetricsMustBeThereAndRight) {
  folder.write("output/metrics.json", "{\"rmse\": NaN}");
  EXPECT_THAT(refusedWith("MetricsMalformed"), HasSubstr("metrics.json, line 1, column 1"));
  fs::remove(folder / "output/metrics.json");
  refusedWith("MetricsMissing");
}

TEST_F(Publish, ContextIsWhatTheStepsSayElseWhatTheRunWasAskedFor) {
  server->then({.status = 201, .body = "{}"});
  ASSERT_EQ(publishNow().reason, "Published");
  EXPECT_FALSE(sent()["spec"].contains("context"));
  server->requests.clear();
  server->then({.status = 201, .body = "{}"});
  ASSERT_EQ(publishNow(R"({"vehicle": "A"})").reason, "Published");
  EXPECT_EQ(sent()["spec"]["context"], (json{{"vehicle", "A"}}));
  folder.write("output/context.json", R"({"vehicle": "B", "shift": "night"})");
  server->requests.clear();
  server->then({.status = 201, .body = "{}"});
  ASSERT_EQ(publishNow(R"({"vehicle": "A"})").reason, "Published");
  EXPECT_EQ(sent()["spec"]["context"], (json{{"vehicle", "B"}, {"shift", "night"}}));
}

TEST_F(Publish, ContextThatIsNoneNamesFileAndKey) {
  folder.write("output/context.json", R"({"vehicle": 7})");
  EXPECT_THAT(refusedWith("ContextMalformed"), HasSubstr("context.json: 'vehicle' is number"));
  fs::remove(folder / "output/context.json");
  EXPECT_EQ(publishNow("{").reason, "InputMalformed");
  EXPECT_EQ(connections, 0);
}

TEST_F(Publish, AnEnvironmentThatNobodyRecordedIsMissing) {
  fs::remove(folder / "output/.reprise/environment.json");
  EXPECT_THAT(refusedWith("EnvironmentMissing"), HasSubstr("environment.json"));
}

TEST_F(Publish, GoldenRequestsAreCheckedLineByLine) {
  folder.write("output/examples.jsonl", "{\"request\": 1, \"response\": 2}\n{\"request\": 1}\n");
  EXPECT_THAT(refusedWith("ExamplesMalformed"), HasSubstr("examples.jsonl, line 2"));
}

TEST_F(Publish, RowsThatCannotBeReadNameFileAndLine) {
  folder.write("output/data.csv", "a,b\n1,2\n1,2,3\n");
  const std::string message = refusedWith("DataMalformed");
  EXPECT_THAT(message, HasSubstr("data.csv"));
  EXPECT_THAT(message, HasSubstr("line 3"));
}

TEST_F(Publish, TwoKindsOfDataAreAmbiguous) {
  folder.write("output/data.jsonl", "{\"a\": 1}\n");
  EXPECT_THAT(refusedWith("DataMalformed"), HasSubstr("data.csv and data.jsonl are both there"));
}

TEST_F(Publish, AProfileThatIsNoneIsRefused) {
  fs::remove(folder / "output/data.csv");
  folder.write("output/profile.json", "{\"apiVersion\": 1}");
  EXPECT_THAT(refusedWith("ProfileMalformed"), HasSubstr("profile.json"));
}

TEST_F(Publish, RunJsonMustBeWhole) {
  run.erase("namespace");
  folder.write("input/run.json", run.dump());
  EXPECT_THAT(refusedWith("InputMalformed"), HasSubstr("namespace"));
  run["namespace"] = "";
  folder.write("input/run.json", run.dump());
  refusedWith("InputMalformed");
}

TEST_F(Publish, AnObjectThatIsTooLargeNamesItsLargestPart) {
  json packages;
  for (int i = 0; i < 12'000; ++i) packages["package-number-" + std::to_string(i)] = "1.0.0";
  folder.write("output/.reprise/environment.json",
               json{{"python", "3.11.2"}, {"packages", packages}}.dump());
  const std::string message = refusedWith("ObjectTooLarge");
  EXPECT_THAT(message, HasSubstr("spec.environment.packages has"));
  EXPECT_THAT(message, HasSubstr("262144"));
}

TEST_F(Publish, ASymlinkThatLeavesTheModelIsMalformedAndNothingIsRegistered) {
  fs::create_symlink("/etc/passwd", folder / "output/model/link");
  const Ending ending = publishNow();
  EXPECT_EQ(ending.reason, "ModelMalformed");
  EXPECT_NE(ending.exitCode, 0);
  EXPECT_THAT(ending.message, HasSubstr("model/link"));
  EXPECT_EQ(connections, 0);
}

TEST_F(Publish, AStoreThatCannotBeWrittenToSaysSo) {
  folder.write("store", "a file where the volume should be");
  const Ending ending = publishNow();
  EXPECT_EQ(ending.reason, "StoreFailed");
  EXPECT_NE(ending.exitCode, 0);
  EXPECT_EQ(connections, 0) << "a version that can be listed can be served";
}

TEST_F(Publish, WhatPassesByItselfIsTriedAgainAndRetryAfterIsHonoured) {
  server->then(
      {.broken = http::TransportError{http::TransportError::Kind::Reset, Sent::Maybe, "reset"}});
  server->then({.status = 503, .body = "overloaded", .headers = {{"Retry-After", "7"}}});
  server->then({.status = 429, .body = "too many"});
  server->then({.status = 201, .body = "{}"});
  EXPECT_EQ(publishNow().reason, "Published");
  ASSERT_EQ(waits.size(), 3u);
  EXPECT_GE(waits[0], Milliseconds{500});
  EXPECT_GE(waits[1], Milliseconds{7000});
  EXPECT_GT(waits[2], Milliseconds{0});
}

TEST_F(Publish, PatienceEndsAfterTwoMinutes) {
  for (int i = 0; i < 1000; ++i) server->then({.status = 503, .body = "down"});
  const Ending ending = publishNow();
  EXPECT_EQ(ending.reason, "RegistrationFailed");
  EXPECT_NE(ending.exitCode, 0);
  EXPECT_THAT(ending.message, HasSubstr("down"));
  Milliseconds waited{0};
  for (const Milliseconds wait : waits) waited += wait;
  EXPECT_LE(waited, std::chrono::minutes(2));
  EXPECT_GE(waited, std::chrono::seconds(90));
}

TEST_F(Publish, WhatTheServerRefusesIsNotTriedAgain) {
  server->then({.status = 422, .body = refusal(422, "Invalid", "spec.metrics: too many").dump()});
  const Ending ending = publishNow();
  EXPECT_EQ(ending.reason, "RegistrationFailed");
  EXPECT_THAT(ending.message, HasSubstr("spec.metrics: too many"));
  EXPECT_TRUE(waits.empty());
}

TEST_F(Publish, AMissingRightIsNamed) {
  server->then({.status = 403, .body = refusal(403, "Forbidden", "cannot create").dump()});
  const Ending ending = publishNow();
  EXPECT_EQ(ending.reason, "RegistrationFailed");
  EXPECT_THAT(ending.message, HasSubstr("ClusterRole reprise-publisher"));
}

class Registered : public Publish {
 protected:
  // A create that finds its name taken by `theirs`.
  Ending findTaken(const std::function<void(json&)>& change) {
    kube::Access access;
    access.server = "https://api";
    access.tls = [] { return http::TlsOptions{}; };
    access.credentials = kube::fixedCredentials("");
    json ours = {{"metadata", {{"name", "fuel-7"}, {"namespace", "ml"}}},
                 {"spec",
                  {{"lineage", {{"run", "fuel-7"}, {"pipeline", "fuel"}}},
                   {"artifact", {{"sha256", "aa"}}}}}};
    json theirs = ours;
    change(theirs);
    server->then({.status = 409, .body = refusal(409, "AlreadyExists", "already exists").dump()});
    server->then({.status = 200, .body = theirs.dump()});
    kube::ApiConnection api(access, [this](const http::TlsOptions&) { return server; });
    kube::HttpClient client(api);
    return registerVersion(client, ours,
                           {clock, [this](Milliseconds wait) { clock.advance(wait); }});
  }
};

TEST_F(Registered, TheSameRunWithTheSameArtifactIsASuccess) {
  const Ending ending = findTaken([](json&) {});
  EXPECT_EQ(ending.reason, "Published");
  EXPECT_EQ(ending.exitCode, 0);
  EXPECT_EQ(server->requests.at(1).method, "GET");
}

TEST_F(Registered, AnEarlierPodOfTheSameRunWins) {
  const Ending ending =
      findTaken([](json& theirs) { theirs["spec"]["artifact"]["sha256"] = "bb"; });
  EXPECT_EQ(ending.reason, "Published");
  EXPECT_EQ(ending.exitCode, 0);
  EXPECT_THAT(ending.message, HasSubstr("by an earlier Pod of this run"));
}

TEST_F(Registered, AnotherRunsVersionIsTaken) {
  const Ending ending =
      findTaken([](json& theirs) { theirs["spec"]["lineage"]["run"] = "fuel-6"; });
  EXPECT_EQ(ending.reason, "VersionTaken");
  EXPECT_NE(ending.exitCode, 0);
  EXPECT_THAT(ending.message, HasSubstr("run 'fuel-6' of pipeline 'fuel'"));
}

TEST_F(Registered, AnotherPipelinesVersionIsTakenEvenIfItsRunHasTheSameName) {
  EXPECT_EQ(findTaken([](json& theirs) { theirs["spec"]["lineage"]["pipeline"] = "other"; }).reason,
            "VersionTaken");
}

TEST_F(Registered, SomebodysVersionWithoutLineageIsTaken) {
  EXPECT_EQ(findTaken([](json& theirs) { theirs["spec"].erase("lineage"); }).reason,
            "VersionTaken");
}

}  // namespace
}  // namespace reprise::agent
