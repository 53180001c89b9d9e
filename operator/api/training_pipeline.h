// TrainingPipeline: how a model is trained. Written by the user; its status by the operator.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "api/meta.h"

namespace reprise::api {

struct LocalObjectReference {
  std::string name;
};

struct ConfigMapKeyRef {
  std::string name, key;
};

struct PackageLock {
  std::optional<ConfigMapKeyRef> configMapKeyRef;
};

struct TrainingEnvironment {
  std::string image;   // a tag is resolved to a digest once for each run
  std::string python;  // "3.11": what the image must carry; "" = whichever
  std::optional<PackageLock> packages;
  std::vector<LocalObjectReference> pullSecrets;
};

struct Step {
  std::vector<std::string> command, args;
  nlohmann::json resources;  // core/v1 ResourceRequirements
};

struct DataSpec {
  std::string uri;     // passed on as REPRISE_DATA_URI
  std::string window;  // a duration, passed on as REPRISE_DATA_WINDOW
};

struct PersistentVolumeClaimStore {
  std::string claimName;
};

struct ArtifactStore {
  std::optional<PersistentVolumeClaimStore> persistentVolumeClaim;
};

struct ArtifactSpec {
  ArtifactStore store;
};

struct Gate {
  std::string metric;
  std::optional<std::string> min, max;  // decimal numbers as strings
};

struct ChangeTrigger {
  std::vector<std::string> of;  // "Spec", "Image"
  std::string interval = "5m";  // how often the tag's digest is looked up
};

struct DriftTrigger {
  std::string cooldown = "6h";  // between two runs that drift asked for
};

struct Triggers {
  std::optional<ChangeTrigger> change;
  std::optional<DriftTrigger> drift;
};

struct CheckSpec {
  std::vector<std::string> args;  // appended to the train step's
  std::vector<Gate> gates;        // none: the pipeline's own gates do not apply to a check
  std::int64_t activeDeadlineSeconds = 900;
};

struct TrainingPipelineSpec {
  std::string model;
  TrainingEnvironment environment;
  std::map<std::string, std::string> parameters;
  std::optional<DataSpec> data;
  Step train;
  std::optional<Step> evaluate;
  nlohmann::json template_;  // field "template": a Pod template merged under the run's Pod
  ArtifactSpec artifact;
  std::vector<Gate> gates;
  Triggers triggers;
  std::optional<CheckSpec> check;
  bool suspend = false;
  std::int32_t backoffLimit = 2;
  std::int64_t activeDeadlineSeconds = 86400;
  std::int32_t successfulRunsHistoryLimit = 3;
  std::int32_t failedRunsHistoryLimit = 3;
};

// One training or check: decided (Pending) in status before its Job is made.
struct Run {
  std::string name;  // the Job's: fuel-2, fuel-check-1
  std::int64_t number = 0;
  std::string purpose;        // Train, Check
  std::string trigger;        // Initial, Drift, Change, Manual
  std::string triggerId;      // who asked, so that one request makes one run
  std::string phase;          // Pending, Running, Succeeded, Failed
  std::string image;          // repository@sha256:…
  std::string specHash;       // of the part of the spec that decides what is trained
  std::string parent;         // the newest version when the run was decided
  std::string servedVersion;  // for Check: whose golden requests are answered
  std::string version;        // the ModelVersion that came of it
  std::map<std::string, std::string> context;  // of the data that it was asked for: {vehicle: B}
  std::optional<Time> startTime, completionTime;
  std::string message;
};

// The environment that is in force: what the next run uses.
struct EnvironmentStatus {
  std::string image;  // repository@sha256:…
  std::string python;
  std::map<std::string, std::string> packages;
  std::string specHash;
  std::optional<Time> checkedAt;
  std::string result;     // Passed, Initial
  std::string candidate;  // another digest that is being checked, or was refused
  std::string candidateSpecHash;
  std::string candidateResult;   // Checking, Refused
  std::string candidateMessage;  // what changed, and what failed
};

struct TrainingPipelineStatus {
  std::int64_t observedGeneration = 0;
  std::vector<Condition> conditions;
  std::optional<EnvironmentStatus> environment;
  std::vector<Run> runs;  // oldest first
  std::int64_t nextRunNumber = 1;
  std::int64_t nextCheckNumber = 1;
  std::string handledRunAt;  // the annotation reprise.dev/run-at that was answered last
  std::string handledRetry;  // the annotation reprise.dev/retry that was answered last
  std::string latestVersion;
};

struct TrainingPipeline {
  ObjectMeta meta;
  TrainingPipelineSpec spec;
  TrainingPipelineStatus status;
};

}  // namespace reprise::api
