#include "api/core/objects.h"

#include <gtest/gtest.h>

#include "json/view.h"

namespace reprise::api {
namespace {

using nlohmann::json;

TEST(Objects, AFailedJobSaysWhyAndWhen) {
  const Job job = decodeJob(JsonText(
      json::parse(R"({"metadata": {"name": "fuel-1"}, "status": {"failed": 3, "conditions": [
    {"type": "FailureTarget", "status": "True", "reason": "BackoffLimitExceeded"},
    {"type": "Failed", "status": "True", "reason": "BackoffLimitExceeded", "message": "m", "lastTransitionTime": "2026-01-02T03:04:05Z"}]}})")));
  EXPECT_TRUE(job.hasFailed);
  EXPECT_FALSE(job.complete);
  EXPECT_EQ(job.failureReason, "BackoffLimitExceeded");
  EXPECT_TRUE(job.completionTime);
}

TEST(Objects, APodsContainersComeInTheirOrderWithTheirLastWords) {
  const Pod pod = decodePod(JsonText(
      json::parse(R"({"metadata": {"name": "p"}, "status": {"phase": "Pending", "podIP": "10.0.0.1",
    "conditions": [{"type": "Ready", "status": "False"}, {"type": "PodScheduled", "status": "False", "message": "no node"}],
    "containerStatuses": [{"name": "server", "state": {"waiting": {"reason": "ImagePullBackOff", "message": "back-off"}}}],
    "initContainerStatuses": [{"name": "fetch", "state": {"running": {}}, "lastState": {"terminated": {"exitCode": 1, "message": "{}"}}}]}})")));
  ASSERT_EQ(pod.containers.size(), 2u);
  EXPECT_EQ(pod.containers[0].name, "fetch");
  EXPECT_TRUE(pod.containers[0].init);
  EXPECT_EQ(pod.containers[0].exitCode, 1);
  EXPECT_EQ(pod.containers[1].waitingReason, "ImagePullBackOff");
  EXPECT_EQ(pod.unschedulable, "no node");
  EXPECT_FALSE(pod.ready);
}

TEST(Objects, TheContentHashChangesWithEditsAndNotWithWhatIsCountedUp) {
  json object = json::parse(
      R"({"metadata": {"name": "d", "resourceVersion": "1", "generation": 1, "annotations": {"deployment.kubernetes.io/revision": "1"}},
                                "spec": {"replicas": 1}, "status": {"replicas": 1}})");
  const auto before = decodeChild(JsonText(object)).contentHash;
  object["metadata"]["resourceVersion"] = "2";
  object["metadata"]["generation"] = 2;
  object["metadata"]["annotations"]["deployment.kubernetes.io/revision"] = "2";
  object["status"]["replicas"] = 2;
  EXPECT_EQ(decodeChild(JsonText(object)).contentHash, before);
  object["spec"]["replicas"] = 2;
  EXPECT_NE(decodeChild(JsonText(object)).contentHash, before);
}

TEST(Objects, WhateverComesDecodes) {
  for (const char* odd : {"null", "[]", "{}", R"({"metadata": [], "status": "x", "spec": 3})",
                          R"({"status": {"conditions": {}, "containerStatuses": [1]}})"}) {
    const json object = json::parse(odd);
    EXPECT_EQ(decodePod(JsonText(object)).containers.size(),
              odd[0] == '{' && std::string(odd).find("[1]") != std::string::npos ? 1u : 0u)
        << odd;
    EXPECT_FALSE(decodeJob(JsonText(object)).complete);
    EXPECT_EQ(decodeDeployment(JsonText(object)).readyReplicas, 0);
    EXPECT_TRUE(decodeService(JsonText(object)).selector.empty());
  }
}

}  // namespace
}  // namespace reprise::api
