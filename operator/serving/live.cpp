#include "serving/live.h"

#include <algorithm>

#include "serving/decisions.h"
#include "serving/drift_status.h"
#include "serving/routing.h"
#include "serving/shadows.h"
#include "serving/versions.h"

namespace reprise::serving {
namespace {

using Action = drift::Decision::Action;

std::int64_t ms(Time time) { return time.time_since_epoch().count(); }

}  // namespace

std::vector<drift::Window> liveWindows(const Snapshot& snapshot,
                                       const api::ModelDeploymentStatus& status) {
  return windowsOf(snapshot, status.active, status.activeSince);
}

std::vector<drift::Candidate> keptVersions(const Snapshot& snapshot,
                                           const api::ModelDeploymentStatus& status) {
  // Of a version that is named the others are looked at, too: nothing is trained for data that one
  // is there for.
  const auto& spec = snapshot.deployment->spec;
  const bool all = !spec.version.auto_ || spec.drift->onDrift.switch_;
  std::vector<drift::Candidate> out;
  const auto add = [&](const api::ModelVersion& version) {
    out.push_back(candidateOf(snapshot, version, contextOf(snapshot, version)));
  };
  for (const auto* version : choosable(snapshot, status)) {
    if (all || version->meta.name == status.active) add(*version);
  }
  // what serves is compared with even where it could not be chosen any more
  const bool there = std::any_of(out.begin(), out.end(),
                                 [&](const auto& one) { return one.version == status.active; });
  if (const auto* active = there ? nullptr : findVersion(snapshot, status.active)) add(*active);
  return out;
}

std::optional<Refusal> cannotRetrain(const Snapshot& snapshot) {
  const auto& retrain = snapshot.deployment->spec.drift->onDrift.retrain;
  if (!retrain) {
    return Refusal{
        "NoRetrain",
        "the data is of a new kind, and nothing may be trained: set spec.drift.onDrift.retrain"};
  }
  const auto* pipeline = retrainPipeline(snapshot);
  const std::string& name = retrain->pipelineRef.name;
  if (!pipeline) {
    return Refusal{"PipelineNotFound",
                   "the data is of a new kind, and spec.drift.onDrift.retrain.pipelineRef names "
                   "TrainingPipeline '" +
                       name + "', which is not in this namespace"};
  }
  if (!pipeline->spec.triggers.drift) {
    return Refusal{"PipelineRefuses",
                   "the data is of a new kind, but TrainingPipeline '" + name +
                       "' has no spec.triggers.drift: add it to let drift ask for runs"};
  }
  if (pipeline->spec.suspend) {
    return Refusal{"PipelineSuspended", "the data is of a new kind, but TrainingPipeline '" + name +
                                            "' has spec.suspend: true"};
  }
  return std::nullopt;
}

void requestRun(const Snapshot& snapshot, api::ModelDeploymentStatus& status,
                api::DecisionRecord record, std::map<std::string, std::string> ofContext,
                std::vector<api::EventDraft>& events) {
  const auto id = decided(snapshot, status, std::move(record), events);
  status.retrain =
      api::PendingRetrain{snapshot.deployment->meta.uid + "/" + std::to_string(id),
                          snapshot.deployment->spec.drift->onDrift.retrain->pipelineRef.name,
                          snapshot.now,
                          {},
                          std::move(ofContext)};
}

void askForRetrain(const Snapshot& snapshot, api::ModelDeploymentStatus& status,
                   api::DriftStatus& seen, api::DecisionRecord record,
                   std::map<std::string, std::string> ofContext,
                   std::vector<api::EventDraft>& events,
                   const std::optional<std::string>& scoring) {
  if (status.retrain) {
    seen.reason = "RetrainPending";
    seen.message = "a run has been asked for" +
                   (status.retrain->run.empty() ? std::string() : ": " + status.retrain->run);
    return;
  }
  if (const auto refusal = cannotRetrain(snapshot))
    return hold(seen, refusal->reason, refusal->message);
  if (scoring) return hold(seen, "ScoringVersions", *scoring);
  requestRun(snapshot, status, std::move(record), std::move(ofContext), events);
}

bool answersRetrain(const api::ModelDeploymentStatus& status, const api::ModelVersion& version) {
  // A version that no run made has no name of one, and neither has a request not yet taken up.
  return status.retrain && !status.retrain->run.empty() &&
         version.spec.lineage.run == status.retrain->run;
}

bool answersRetrain(const Snapshot& snapshot, const api::ModelDeploymentStatus& status,
                    const std::string& name) {
  const auto* version = findVersion(snapshot, name);
  return version && answersRetrain(status, *version);
}

namespace {

const api::TrainingPipeline* findPipeline(const Snapshot& snapshot, const std::string& name) {
  for (const auto& pipeline : snapshot.pipelines) {
    if (pipeline->meta.name == name) return pipeline.get();
  }
  return nullptr;
}

}  // namespace

const api::TrainingPipeline* retrainPipeline(const Snapshot& snapshot) {
  const auto& drift = snapshot.deployment->spec.drift;
  if (!drift || !drift->onDrift.retrain) return nullptr;
  return findPipeline(snapshot, drift->onDrift.retrain->pipelineRef.name);
}

const api::TrainingPipeline* askedPipeline(const Snapshot& snapshot,
                                           const api::ModelDeploymentStatus& status) {
  return status.retrain ? findPipeline(snapshot, status.retrain->pipeline) : nullptr;
}

const api::Run* askedRun(const api::TrainingPipeline& pipeline,
                         const api::ModelDeploymentStatus& status) {
  for (const auto& run : pipeline.status.runs) {
    if (status.retrain && run.triggerId == status.retrain->id) return &run;
  }
  return nullptr;
}

void followRetrain(const Snapshot& snapshot, api::ModelDeploymentStatus& status,
                   std::vector<api::EventDraft>& events) {
  if (!status.retrain) return;
  const auto giveUp = [&](const std::string& reason, const std::string& message) {
    api::DecisionRecord out;
    out.signal = "Drift";
    out.action = "Hold";
    out.from = status.active;
    out.reason = reason;
    out.message = message;
    decided(snapshot, status, std::move(out), events);
    status.retrain.reset();
  };
  const auto pipeline = askedPipeline(snapshot, status);
  if (!pipeline) {
    return giveUp("PipelineNotFound", "TrainingPipeline '" + status.retrain->pipeline +
                                          "' was deleted before it answered");
  }
  const auto* run = askedRun(*pipeline, status);
  if (!run) return;
  status.retrain->run = run->name;
  if (run->phase == "Failed")
    return giveUp("RetrainFailed", "run " + run->name + " failed: " + run->message);
  if (run->phase != "Succeeded") return;
  // What came of it is looked at by choose(), once it may be served. Where it never will be, the
  // request ends here: a next one would wait for ever.
  const std::string made = "run " + run->name + ", which drift asked for, made " + run->version;
  const auto* version = findVersion(snapshot, run->version);
  if (!version) return giveUp("VersionDeleted", made + ", which was deleted");
  const auto& name = snapshot.deployment->spec.version.name;
  if (!snapshot.deployment->spec.version.auto_ && name != run->version) {
    return giveUp("VersionHeld", made + ", and spec.version.name holds " + name +
                                     ": name the new one, or set spec.version.auto: {}");
  }
  if (isRefused(*version)) {
    return giveUp("VersionNotAvailable",
                  made + ", which may not be served: " +
                      api::findCondition(version->status.conditions, "Available")->message);
  }
  if (status.active == run->version || isRejected(status, run->version)) status.retrain.reset();
}

namespace {

// One action at a time.
void actOn(const Snapshot& snapshot, const drift::Decision& decision,
           api::ModelDeploymentStatus& status, std::vector<api::EventDraft>& events) {
  const auto& spec = snapshot.deployment->spec;
  if (spec.paused || !status.target.empty()) return;
  if (decision.action == Action::Switch && decision.reason == "KnownContext" &&
      routes(*snapshot.deployment)) {
    return hold(*status.drift, "Routed",
                decision.message + ": they go there as soon as its Pods are ready");
  }
  if (decision.action == Action::Switch && !spec.version.auto_) {
    return hold(*status.drift, "VersionHeld",
                decision.message + "; spec.version.name holds " + spec.version.name +
                    ": name the other, or set spec.version.auto: {}");
  }
  if (decision.action == Action::Switch && decision.version != status.active) {
    const bool asked = answersRetrain(snapshot, status, decision.version);
    auto entry = recordOf(decision, status.active, asked ? "Promote" : "Switch");
    entry.to = decision.version;
    if (const auto* retrain = asked ? lastDecision(status, {"Retrain"}) : nullptr)
      entry.driftSeen = retrain->driftSeen;
    decided(snapshot, status, std::move(entry), events);
    status.target = decision.version;
    status.targetSince = snapshot.now;
    if (asked) status.retrain.reset();
  }
  if (decision.action == Action::Retrain) {
    askForRetrain(snapshot, status, *status.drift, recordOf(decision, status.active, "Retrain"),
                  namedContext(snapshot, decision.context), events,
                  waitForScores(snapshot, status, decision));
  }
}

}  // namespace

void watchLive(const Snapshot& snapshot, api::ModelDeploymentStatus& status,
               std::vector<api::EventDraft>& events) {
  const auto& spec = snapshot.deployment->spec;
  if (!spec.drift || !spec.drift->source.monitor || status.active.empty()) {
    status.drift.reset();
    return;
  }
  const auto windows = liveWindows(snapshot, status);
  const auto decision =
      drift::decide(windows, keptVersions(snapshot, status), status.active, policy(spec),
                    historyOf(status, status.active, status.drift, status.activeSince),
                    ms(snapshot.now), snapshot.labels);
  // Without requests there is nothing new to say; what was said last still stands.
  if (windows.empty() && status.drift) return;
  if (windows.empty()) {
    if (const auto unread = monitorsUnread(snapshot, status.active)) {
      status.drift = unread;
      return;
    }
  }
  const auto before = status.drift;
  status.drift = describe(decision, before, snapshot.now);
  actOn(snapshot, decision, status, events);
  if (before && nothingToWrite(*before, *status.drift)) status.drift = before;
}

}  // namespace reprise::serving
