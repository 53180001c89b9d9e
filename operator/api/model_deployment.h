// ModelDeployment: how a model is served. Written by the user; its status by the operator.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "api/drift_source.h"
#include "api/meta.h"
#include "api/training_pipeline.h"

namespace reprise::api {

struct AutoVersion {};

struct VersionChoice {               // exactly one of the two
  std::optional<AutoVersion> auto_;  // field "auto": the live data decides
  std::string name;                  // always this ModelVersion
};

struct VerifySpec {
  bool goldenRequests = true;  // a Pod is not ready before it has answered them rightly
  std::int32_t timeoutSeconds = 120;
};

struct MonitorSource {};

struct DriftSource {  // at least one
  std::optional<MonitorSource> monitor;
  std::optional<PrometheusSource> prometheus;
  std::optional<WebhookSource> webhook;
};

struct DriftWindow {
  std::int32_t minSamples = 200;  // rows since the alarm before a version is matched or trained
  std::string maxAge = "15m";
};

struct SwitchReaction {
  std::int32_t standby = 1;  // earlier versions kept warm
};

struct RetrainReaction {
  LocalObjectReference pipelineRef;
  std::string cooldown = "6h";
};

struct DriftReactions {
  std::optional<SwitchReaction> switch_;  // field "switch"
  std::optional<RetrainReaction> retrain;
};

struct DriftSpec {
  DriftSource source;
  DriftWindow window;
  DriftReactions onDrift;
};

// A request that says what kind of data it is goes to the version that was made for it.
struct ByContext {
  std::string header;  // of requests: its value is the name of the kind of data
  std::string key;     // of ModelVersion.spec.context: its value is what the version is for
};

struct RoutingSpec {
  std::optional<ByContext> byContext;
};

struct ModelDeploymentSpec {
  std::string model;
  VersionChoice version;
  std::int32_t replicas = 1;
  nlohmann::json template_;     // field "template": Pod template with a container "server"
  std::string protocol = "v2";  // v2, v1, json
  VerifySpec verify;
  std::optional<DriftSpec> drift;
  std::optional<RoutingSpec> routing;
  bool paused = false;  // nothing is decided; what serves goes on serving
  std::int32_t progressDeadlineSeconds = 600;
  std::int32_t revisionHistoryLimit =
      10;  // versions of the model that drift may choose from, newest first
};

struct ServingVersion {
  std::string version;
  std::int32_t weight = 0, ready = 0;
  std::optional<Time> since;
};

struct NearestVersion {
  std::string version;
  std::string distance;  // effect, a decimal number >= 0
};

struct DriftStatus {
  std::string score;   // effect of the live window against the serving version
  std::string action;  // the last answer of decide: Hold, Clear, Switch, Retrain
  std::string reason, message;
  std::optional<NearestVersion> nearest, second;
  std::int64_t samples = 0;           // rows that the answer stands on
  std::string tolerance;              // learned effect that is normal for the serving version
  std::string error, referenceError;  // mean, of labelled rows, and what it is held against
  std::int64_t labels = 0;            // rows that `error` is of
  std::optional<Time> updated;
};

// What answers the requests of one context beside the active version.
struct ContextRoute {
  std::string context;               // as requests name it
  std::string version;               // made for it, or for any; not the active one
  std::optional<Time> since;         // when it took over: earlier rows say nothing about it
  std::string target;                // is made ready to take over from `version`; "" if none
  std::optional<DriftStatus> drift;  // of the rows of this context alone
};

struct DecisionRecord {
  std::int64_t id = 0;  // counts up over the object's life
  std::optional<Time> time;
  std::string signal;  // Initial, Drift, Prometheus, Webhook, NewVersion, Spec, Manual
  std::string action;  // Deploy, Switch, Retrain, Promote, Hold, Reject
  std::string from, to;
  std::string distance, margin;
  std::string reason, message;
  std::string context;            // of the route that it is about; "": the active version
  std::optional<Time> driftSeen;  // first request of the drifted data
  std::string blindSpot;          // duration from driftSeen to the new version's first traffic
};

// A run that drift asked for and that has not been answered yet.
struct PendingRetrain {
  std::string id;  // "<deployment uid>/<decision id>": the run's triggerId
  std::string pipeline;
  std::optional<Time> requestedAt;
  std::string run;                             // once the pipeline took it up
  std::map<std::string, std::string> context;  // of its data, where requests name it: {vehicle: B}
};

struct ModelDeploymentStatus {
  std::int64_t observedGeneration = 0;
  std::vector<Condition> conditions;
  std::string active;  // the version that traffic goes to, as decided
  std::optional<Time> activeSince;
  std::string target;  // the version that is being made ready to take over; "" if none
  std::optional<Time> targetSince;
  std::vector<std::string> standby;
  std::vector<std::string> shadows;  // run only to be scored on labelled rows
  std::optional<Time> shadowsSince;
  std::vector<std::string> routed;    // serve the requests that name what they are for
  std::vector<ContextRoute> routes;   // which of them answers what; newest versions first
  std::vector<std::string> rejected;  // versions that failed here: not chosen again before a retry
  std::vector<ServingVersion> serving;  // as observed
  std::optional<DriftStatus> drift;
  std::optional<OutsideStatus> outside;
  std::optional<PendingRetrain> retrain;
  std::vector<DecisionRecord> decisions;  // newest last, at most 20
  std::int64_t nextDecision = 1;
  std::string considered;  // the newest version that was looked at
  std::string handledRetry;
  std::int32_t replicas = 0;
  std::string selector;
};

struct ModelDeployment {
  ObjectMeta meta;
  ModelDeploymentSpec spec;
  ModelDeploymentStatus status;
};

}  // namespace reprise::api
