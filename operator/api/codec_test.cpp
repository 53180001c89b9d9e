#include "api/codec.h"

#include <gtest/gtest.h>

#include "json/view.h"

namespace reprise::api {
namespace {

using nlohmann::json;

JsonText object(json spec, json status = nullptr) {
  json out = {{"metadata",
               {{"name", "fuel"},
                {"namespace", "team"},
                {"uid", "u"},
                {"resourceVersion", "12"},
                {"generation", 3}}},
              {"spec", std::move(spec)}};
  if (!status.is_null()) out["status"] = std::move(status);
  return JsonText(out);
}

const json kPipeline = json::parse(R"({
  "model": "fuel",
  "environment": {"image": "example.com/fuel:1", "python": "3.11", "packages": {"configMapKeyRef": {"name": "lock", "key": "r.txt"}}, "pullSecrets": [{"name": "s"}]},
  "parameters": {"rows": "200"}, "data": {"uri": "file:///data/x.csv", "window": "1h"},
  "train": {"command": ["python", "train.py"], "args": ["-v"], "resources": {"limits": {"cpu": "1"}}},
  "evaluate": {"command": ["python", "evaluate.py"]},
  "template": {"spec": {"nodeSelector": {"a": "b"}}},
  "artifact": {"store": {"persistentVolumeClaim": {"claimName": "models"}}},
  "gates": [{"metric": "accuracy", "min": "0.9"}],
  "triggers": {"change": {"of": ["Image"], "interval": "5s"}, "drift": {"cooldown": "1m"}},
  "check": {"args": ["--quick"], "activeDeadlineSeconds": 60},
  "suspend": true, "backoffLimit": 0})");

TEST(Codec, APipelineSurvivesTheRoundTrip) {
  const auto decoded = decodeTrainingPipeline(object(kPipeline));
  ASSERT_TRUE(decoded) << decoded.error().message;
  EXPECT_EQ(encode(decoded->spec), kPipeline);
  EXPECT_EQ(decoded->meta.generation, 3);
  EXPECT_EQ(decoded->spec.backoffLimit, 0);
}

TEST(Codec, DefaultsStayWhereNothingIsWrittenAndZerosAreWritten) {
  const auto decoded = decodeModelDeployment(object({{"model", "fuel"},
                                                     {"version", {{"auto", json::object()}}},
                                                     {"replicas", 0},
                                                     {"verify", {{"goldenRequests", false}}}}));
  ASSERT_TRUE(decoded) << decoded.error().message;
  EXPECT_TRUE(decoded->spec.version.auto_);
  EXPECT_EQ(decoded->spec.revisionHistoryLimit, 10);
  const json encoded = encode(decoded->spec);
  EXPECT_EQ(encoded["replicas"], 0);
  EXPECT_EQ(encoded["verify"]["goldenRequests"], false);
  EXPECT_EQ(encoded["version"], (json{{"auto", json::object()}}));
  EXPECT_FALSE(encoded.contains("revisionHistoryLimit"));
}

TEST(Codec, AStatusSurvivesTheRoundTripWithTimesToTheMillisecond) {
  const json status =
      json::parse(R"({"active": "fuel-1", "activeSince": "2026-01-02T03:04:05.678Z", "replicas": 0,
    "conditions": [{"type": "Ready", "status": "True", "reason": "Serving", "message": "", "lastTransitionTime": "2026-01-02T03:04:05Z"}],
    "decisions": [{"id": 1, "action": "Deploy", "to": "fuel-1"}], "retrain": {"id": "u/1"}, "nextDecision": 2})");
  const auto decoded = decodeModelDeployment(object({{"model", "fuel"}}, status));
  ASSERT_TRUE(decoded) << decoded.error().message;
  EXPECT_EQ(encode(decoded->status), status);
}

TEST(Codec, AVersionSurvivesTheRoundTrip) {
  const json spec = json::parse(
      R"({"model": "fuel", "artifact": {"uri": "pvc://m/sha256/a", "sha256": "a", "bytes": 9007199254740993},
    "environment": {"image": "i@sha256:1", "packages": {"numpy": "2.1"}}, "metrics": {"accuracy": "0.91"}, "profile": {"n": 1}, "lineage": {"run": "fuel-1"}})");
  const auto decoded = decodeModelVersion(object(spec));
  ASSERT_TRUE(decoded) << decoded.error().message;
  EXPECT_EQ(encode(decoded->spec), spec);
}

TEST(Codec, Row25_Int64StaysExactAndQuantitiesAreTheTextThatWasWritten) {
  const auto version = decodeModelVersion(object(
      json::parse(R"({"model": "m", "artifact": {"uri": "u", "bytes": 9007199254740993}})")));
  ASSERT_TRUE(version) << version.error().message;
  EXPECT_EQ(version->spec.artifact.bytes, 9007199254740993) << "a double would make it ...992";
  json spec = kPipeline;
  spec["train"]["resources"] = {
      {"limits", {{"cpu", "0.100"}, {"memory", "1.5Gi"}, {"x.io/y", "12345678901234567890"}}}};
  const auto pipeline = decodeTrainingPipeline(object(spec));
  ASSERT_TRUE(pipeline) << pipeline.error().message;
  EXPECT_EQ(encode(pipeline->spec)["train"]["resources"], spec["train"]["resources"]);
}

TEST(Codec, AWrongTypeNamesTheFieldByItsPath) {
  json spec = kPipeline;
  spec["train"]["command"] = "python train.py";
  EXPECT_EQ(decodeTrainingPipeline(object(spec)).error().message,
            "spec.train.command must be a list, not string");
  spec = kPipeline;
  spec["gates"][0]["min"] = 0.9;
  EXPECT_EQ(decodeTrainingPipeline(object(spec)).error().message,
            "spec.gates[0].min must be a string, not number");
  spec = kPipeline;
  spec["backoffLimit"] = 5000000000;
  EXPECT_EQ(decodeTrainingPipeline(object(spec)).error().message,
            "spec.backoffLimit is out of range");
}

TEST(Codec, UnknownFieldsArePassedOver) {
  json spec = kPipeline;
  spec["later"] = {{"x", 1}};
  EXPECT_TRUE(decodeTrainingPipeline(object(spec)));
}

TEST(Codec, AMemberOfAnyShapeMayNotBeNestedWithoutEnd) {
  json deep = json::object();
  for (int i = 0; i < 300; ++i) deep = {{"a", std::move(deep)}};
  json spec = kPipeline;
  spec["template"] = std::move(deep);
  EXPECT_EQ(decodeTrainingPipeline(object(spec)).error().message,
            "spec.template is nested more than 200 levels deep; make it flatter");
}

}  // namespace
}  // namespace reprise::api
