#include "api/pack.h"

#include <gtest/gtest.h>

#include <stdexcept>

#include "api/codec.h"
#include "api/core/objects.h"
#include "api/pack_text.h"
#include "json/view.h"

namespace reprise::api {
namespace {

using nlohmann::json;

constexpr const char* kUid = "0f8fad5b-d9cb-469f-a165-70867728950e";
const std::string kDigest(64, 'a');

json meta() {
  return json::parse(
      R"({"name": "fuel-1", "namespace": "team", "resourceVersion": "12", "generation": 3,
    "uid": "0f8fad5b-d9cb-469f-a165-70867728950e", "labels": {"reprise.dev/model": "fuel"},
    "annotations": {"reprise.dev/applied": "1234567890abcdef1234567890abcdef", "b": ""}, "finalizers": ["x/y"],
    "ownerReferences": [{"apiVersion": "v1", "kind": "K", "name": "o", "uid": "u", "controller": true}],
    "creationTimestamp": "2026-01-02T03:04:05Z", "deletionTimestamp": "1969-01-02T03:04:05Z"})");
}

void expectSame(const ObjectMeta& a, const ObjectMeta& b) {
  EXPECT_EQ(a.name, b.name);
  EXPECT_EQ(a.namespace_, b.namespace_);
  EXPECT_EQ(a.uid, b.uid);
  EXPECT_EQ(a.resourceVersion, b.resourceVersion);
  EXPECT_EQ(a.generation, b.generation);
  EXPECT_EQ(a.labels, b.labels);
  EXPECT_EQ(a.annotations, b.annotations);
  EXPECT_EQ(a.finalizers, b.finalizers);
  ASSERT_EQ(a.owners.size(), b.owners.size());
  EXPECT_EQ(a.owners.at(0).apiVersion, b.owners.at(0).apiVersion);
  EXPECT_EQ(a.owners.at(0).kind, b.owners.at(0).kind);
  EXPECT_EQ(a.owners.at(0).name, b.owners.at(0).name);
  EXPECT_EQ(a.owners.at(0).uid, b.owners.at(0).uid);
  EXPECT_EQ(a.owners.at(0).controller, b.owners.at(0).controller);
  EXPECT_EQ(a.created, b.created);
  EXPECT_EQ(a.deleted, b.deleted);
}

// The fields are one list for both directions, so what encode() shows is all there is.
template <class T>
void expectKindSurvives(Expected<T> (*decode)(JsonView), json spec, json status) {
  const auto object = decode(JsonText(
      json{{"metadata", meta()}, {"spec", std::move(spec)}, {"status", std::move(status)}}));
  ASSERT_TRUE(object) << object.error().message;
  const T back = unpack<T>(pack(*object));
  expectSame(back.meta, object->meta);
  EXPECT_EQ(encode(back.spec), encode(object->spec));
  EXPECT_EQ(encode(back.status), encode(object->status));
  EXPECT_EQ(encode(back.spec).dump(), encode(object->spec).dump());
}

TEST(Pack, APipelineComesBack) {
  expectKindSurvives<TrainingPipeline>(
      decodeTrainingPipeline,
      json::parse(
          R"({"model": "fuel", "environment": {"image": "x:1"}, "parameters": {"rows": "200"},
        "train": {"command": ["a"], "resources": {"limits": {"cpu": 1.5}}}, "evaluate": {"command": ["b"]},
        "template": {"spec": {"n": [1, -1, null, true, "é"]}}, "gates": [{"metric": "m", "min": "0.9"}],
        "triggers": {"change": {"of": ["Image"]}}, "suspend": true, "backoffLimit": 0})"),
      json::parse(
          R"({"runs": [{"name": "fuel-1", "number": 1, "context": {"v": "B"}, "startTime": "2026-01-02T03:04:05.001Z"}],
        "environment": {"image": "i", "packages": {"numpy": "1"}}, "nextRunNumber": 7})"));
}

TEST(Pack, ADeploymentComesBack) {
  expectKindSurvives<ModelDeployment>(
      decodeModelDeployment,
      json::parse(
          R"({"model": "fuel", "version": {"auto": {}}, "replicas": 0, "verify": {"goldenRequests": false},
        "template": {"spec": {"containers": [{"name": "server"}]}},
        "drift": {"source": {"monitor": {}}, "onDrift": {"switch": {"standby": 2}}}})"),
      json::parse(
          R"({"active": "fuel-1", "conditions": [{"type": "Ready", "status": "True", "reason": "R", "message": "m", "observedGeneration": 2}],
        "decisions": [{"id": 1, "action": "Deploy", "to": "fuel-1"}], "retrain": {"id": "u/1"}, "nextDecision": 2, "standby": ["a", ""]})"));
}

TEST(Pack, AVersionComesBack) {
  expectKindSurvives<ModelVersion>(
      decodeModelVersion,
      {{"model", "fuel"},
       {"artifact",
        {{"uri", "pvc://m/sha256/" + kDigest}, {"sha256", kDigest}, {"bytes", 9007199254740993}}},
       {"profile", {{"basis", {{"x", 0.1}}}}}},
      {{"servedBy", {"fuel"}}});
}

TEST(Pack, APodComesBack) {
  Pod pod;
  pod.meta = decodeMeta(JsonText(json{{"metadata", meta()}}));
  pod.phase = "Running";
  pod.reason = "r";
  pod.message = "m";
  pod.podIP = "10.0.0.1";
  pod.ready = true;
  pod.unschedulable = "no node";
  pod.containers.push_back(
      {"fetch", true, true, -2, "i", "w", "wm", -1, "t", "tm", Time(Milliseconds(1))});
  pod.containers.push_back({});
  const Pod back = unpack<Pod>(pack(pod));
  expectSame(back.meta, pod.meta);
  EXPECT_EQ(back.phase, "Running");
  EXPECT_EQ(back.reason, "r");
  EXPECT_EQ(back.message, "m");
  EXPECT_EQ(back.podIP, "10.0.0.1");
  EXPECT_TRUE(back.ready);
  EXPECT_EQ(back.unschedulable, "no node");
  ASSERT_EQ(back.containers.size(), 2u);
  const auto& first = back.containers[0];
  EXPECT_EQ(first.name, "fetch");
  EXPECT_TRUE(first.init && first.ready);
  EXPECT_EQ(first.restartCount, -2);
  EXPECT_EQ(first.imageID + first.waitingReason + first.waitingMessage, "iwwm");
  EXPECT_EQ(first.exitCode, -1);
  EXPECT_EQ(first.terminatedReason + first.terminatedMessage, "ttm");
  EXPECT_EQ(first.finishedAt, Time(Milliseconds(1)));
  EXPECT_FALSE(back.containers[1].exitCode);
}

TEST(Pack, ChildrenComeBack) {
  Job job;
  job.meta = decodeMeta(JsonText(json{{"metadata", meta()}}));
  job.contentHash = 0xfedcba9876543210U;
  job.active = 1;
  job.succeeded = 2;
  job.failed = 3;
  job.complete = job.hasFailed = true;
  job.failureReason = "r";
  job.failureMessage = "m";
  job.completionTime = Time(Milliseconds(5));
  const Job jobBack = unpack<Job>(pack(job));
  expectSame(jobBack.meta, job.meta);
  EXPECT_EQ(jobBack.contentHash, job.contentHash);
  EXPECT_EQ(jobBack.active * 100 + jobBack.succeeded * 10 + jobBack.failed, 123);
  EXPECT_TRUE(jobBack.complete && jobBack.hasFailed);
  EXPECT_EQ(jobBack.failureReason + jobBack.failureMessage, "rm");
  EXPECT_FALSE(jobBack.startTime);
  EXPECT_EQ(jobBack.completionTime, job.completionTime);

  Deployment deployment;
  deployment.contentHash = 7;
  deployment.replicas = 1;
  deployment.readyReplicas = 2;
  deployment.updatedReplicas = 3;
  deployment.availableReplicas = 4;
  deployment.statusReplicas = 5;
  deployment.observedGeneration = 6;
  deployment.conditions.push_back({"Available", "True", "R", "m", Time(Milliseconds(9)), 4});
  const auto back = unpack<Deployment>(pack(deployment));
  EXPECT_EQ(back.contentHash, 7u);
  EXPECT_EQ((std::vector<std::int64_t>{back.replicas, back.readyReplicas, back.updatedReplicas,
                                       back.availableReplicas, back.statusReplicas,
                                       back.observedGeneration}),
            (std::vector<std::int64_t>{1, 2, 3, 4, 5, 6}));
  ASSERT_EQ(back.conditions.size(), 1u);
  EXPECT_EQ(back.conditions[0].type + back.conditions[0].message, "Availablem");
  EXPECT_EQ(back.conditions[0].lastTransitionTime, Time(Milliseconds(9)));
  EXPECT_EQ(back.conditions[0].observedGeneration, 4);

  Service service;
  service.contentHash = 8;
  service.selector = {{"a", "b"}};
  const auto serviceBack = unpack<Service>(pack(service));
  EXPECT_EQ(serviceBack.contentHash, 8u);
  EXPECT_EQ(serviceBack.selector, service.selector);

  Child child;
  child.meta = job.meta;
  child.contentHash = 9;
  expectSame(unpack<Child>(pack(child)).meta, child.meta);
  EXPECT_EQ(unpack<Child>(pack(child)).contentHash, 9u);
}

TEST(Pack, EveryTextComesBackAndDigestsAreHalved) {
  for (const std::string& text :
       {std::string(), std::string("fuel-1"), std::string(kUid), kDigest, "a@sha256:" + kDigest,
        std::string(17, '0'), std::string(kUid) + "/7", "A" + std::string(63, 'F'),
        std::string("0F8FAD5B-d9cb-469f-a165-70867728950e"), std::string("\0\xff", 2),
        kDigest + "-" + kDigest}) {
    std::string bytes;
    detail::packText(bytes, text);
    std::string_view in = bytes;
    EXPECT_EQ(detail::unpackText(in), text);
    EXPECT_TRUE(in.empty());
  }
  std::string uid, digest;
  detail::packText(uid, kUid);
  EXPECT_EQ(uid.size(), 17u);
  detail::packText(digest, "a@sha256:" + kDigest);
  EXPECT_EQ(digest.size(), 44u);
}

TEST(Pack, MissingBytesAreNoObject) {
  const std::string bytes = pack(Child{});
  EXPECT_THROW(unpack<Child>(std::string_view(bytes).substr(0, 3)), std::out_of_range);
}

}  // namespace
}  // namespace reprise::api
