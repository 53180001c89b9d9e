#include "serving/live.h"

#include <algorithm>
#include <cstdlib>

#include "api/labels.h"
#include "serving/decisions.h"
#include "serving/routing.h"
#include "serving/shadows.h"
#include "serving/versions.h"

namespace reprise::serving {
namespace {

using Action = drift::Decision::Action;

constexpr auto kRefresh = std::chrono::seconds(5);

std::int64_t ms(Time time) { return time.time_since_epoch().count(); }

}  // namespace

// Rows of before the switch were answered by the version as a standby or before: they say nothing
// about now.
std::vector<drift::Window> liveWindows(const Snapshot& snapshot,
                                       const api::ModelDeploymentStatus& status) {
  std::vector<drift::Window> out;
  const std::int64_t since = status.activeSince ? ms(*status.activeSince) : 0;
  std::optional<Milliseconds> maxAge;
  if (auto age = parseDuration(snapshot.deployment->spec.drift->window.maxAge)) maxAge = *age;
  for (const auto& window : snapshot.windows) {
    if (window.servedVersion != status.active || window.firstMs < since) continue;
    if (maxAge && window.lastMs < ms(snapshot.now) - maxAge->count()) continue;
    out.push_back(window);
  }
  return out;
}

std::vector<drift::Candidate> keptVersions(const Snapshot& snapshot,
                                           const api::ModelDeploymentStatus& status) {
  const bool mayChoose =
      snapshot.deployment->spec.version.auto_ && snapshot.deployment->spec.drift->onDrift.switch_;
  std::vector<drift::Candidate> out;
  const auto add = [&](const api::ModelVersion& version) {
    const auto profile = snapshot.profiles.find(version.meta.name);
    out.push_back({version.meta.name,
                   profile == snapshot.profiles.end() ? nullptr : &profile->second->profile,
                   version.meta.created ? ms(*version.meta.created) : 0,
                   contextOf(snapshot, version), referenceError(version)});
  };
  for (const auto* version : choosable(snapshot, status)) {
    if (mayChoose || version->meta.name == status.active) add(*version);
  }
  // what serves is compared with even where it could not be chosen any more
  const bool there = std::any_of(out.begin(), out.end(),
                                 [&](const auto& one) { return one.version == status.active; });
  if (const auto* active = there ? nullptr : findVersion(snapshot, status.active)) add(*active);
  return out;
}

namespace {

drift::History history(api::ModelDeploymentStatus& status) {
  drift::History out;
  if (const auto* last = lastDecision(status, {"Switch", "Retrain"}); last && last->time)
    out.lastActionMs = ms(*last->time);
  if (const auto* last = lastDecision(status, {"Retrain"}); last && last->time)
    out.lastRetrainMs = ms(*last->time);
  if (status.drift && !status.drift->tolerance.empty())
    out.learnedTolerance = std::atof(status.drift->tolerance.c_str());
  out.refused = status.rejected;
  if (status.activeSince) out.activeSinceMs = ms(*status.activeSince);
  return out;
}

bool sameNearest(const std::optional<api::NearestVersion>& a,
                 const std::optional<api::NearestVersion>& b) {
  return a.has_value() == b.has_value() &&
         (!a || (a->version == b->version && a->distance == b->distance));
}

bool sameButTime(const api::DriftStatus& a, const api::DriftStatus& b) {
  return a.score == b.score && a.action == b.action && a.reason == b.reason &&
         a.message == b.message && a.samples == b.samples && a.tolerance == b.tolerance &&
         a.error == b.error && a.referenceError == b.referenceError && a.labels == b.labels &&
         sameNearest(a.nearest, b.nearest) && sameNearest(a.second, b.second);
}

api::DriftStatus describe(const drift::Decision& decision,
                          const std::optional<api::DriftStatus>& before, Time now) {
  api::DriftStatus out;
  out.score = decimal(decision.score);
  out.action = drift::to_string(decision.action);
  out.reason = decision.reason;
  out.message = decision.message;
  if (!decision.nearest.empty()) out.nearest = {decision.nearest, decimal(decision.distance)};
  if (!decision.second.empty())
    out.second = {decision.second, decimal(decision.distance + decision.margin)};
  out.samples = decision.samples;
  if (decision.error) {
    out.error = decimal(*decision.error);
    out.labels = decision.labels;
  }
  if (decision.referenceError) out.referenceError = decimal(*decision.referenceError);
  if (decision.learnedTolerance)
    out.tolerance = decimal(*decision.learnedTolerance);
  else if (before)
    out.tolerance = before->tolerance;
  out.updated = now;
  return out;
}

// Numbers move with each window; they are written every few seconds, the answer whenever it
// changes. Looked at again, with nothing new seen, it stays as it is.
bool nothingToWrite(const api::DriftStatus& before, const api::DriftStatus& now) {
  const bool sameAnswer = before.action == now.action && before.reason == now.reason &&
                          before.tolerance == now.tolerance;
  return sameButTime(before, now) ||
         (sameAnswer && before.updated && *now.updated - *before.updated < kRefresh);
}

api::DecisionRecord record(const drift::Decision& decision,
                           const api::ModelDeploymentStatus& status, const char* action) {
  api::DecisionRecord out;
  out.signal = "Drift";
  out.action = action;
  out.from = status.active;
  out.distance = decimal(decision.distance);
  out.margin = decimal(decision.margin);
  out.reason = decision.reason;
  out.message = decision.message;
  if (decision.firstDriftedMs) out.driftSeen = Time{Milliseconds{*decision.firstDriftedMs}};
  return out;
}

}  // namespace

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

namespace {

// What is done instead of what was decided.
void hold(api::ModelDeploymentStatus& status, const std::string& reason,
          const std::string& message) {
  status.drift->action = "Hold";
  status.drift->reason = reason;
  status.drift->message = message;
}

void askForRetrain(const Snapshot& snapshot, api::ModelDeploymentStatus& status,
                   const drift::Decision& decision, std::vector<api::EventDraft>& events) {
  if (status.retrain) {
    status.drift->reason = "RetrainPending";
    status.drift->message =
        "a run has been asked for" +
        (status.retrain->run.empty() ? std::string() : ": " + status.retrain->run);
    return;
  }
  if (const auto refusal = cannotRetrain(snapshot)) {
    return hold(status, refusal->reason, refusal->message);
  }
  if (const auto scoring = waitForScores(snapshot, status, decision)) {
    return hold(status, "ScoringVersions", *scoring);
  }
  requestRun(snapshot, status, record(decision, status, "Retrain"),
             namedContext(snapshot, decision.context), events);
}

}  // namespace

const api::TrainingPipeline* retrainPipeline(const Snapshot& snapshot) {
  const auto& drift = snapshot.deployment->spec.drift;
  if (!drift || !drift->onDrift.retrain) return nullptr;
  for (const auto& pipeline : snapshot.pipelines) {
    if (pipeline->meta.name == drift->onDrift.retrain->pipelineRef.name) return pipeline.get();
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
  const auto pipeline =
      std::find_if(snapshot.pipelines.begin(), snapshot.pipelines.end(),
                   [&](const auto& one) { return one->meta.name == status.retrain->pipeline; });
  if (pipeline == snapshot.pipelines.end()) {
    return giveUp("PipelineNotFound", "TrainingPipeline '" + status.retrain->pipeline +
                                          "' was deleted before it answered");
  }
  for (const auto& run : (*pipeline)->status.runs) {
    if (run.triggerId != status.retrain->id) continue;
    status.retrain->run = run.name;
    if (run.phase == "Failed")
      giveUp("RetrainFailed", "run " + run.name + " failed: " + run.message);
    return;
  }
}

namespace {

// Why there are no windows, where it is not that there were no requests.
std::optional<api::DriftStatus> monitorsUnread(const Snapshot& snapshot,
                                               const api::ModelDeploymentStatus& status) {
  for (const auto& pod : snapshot.pods) {
    const auto fact = snapshot.monitors.find(pod->meta.name);
    if (fact == snapshot.monitors.end() || fact->second.problem.empty() || !pod->ready ||
        pod->meta.label(api::kVersionLabel) != status.active)
      continue;
    api::DriftStatus out;
    out.action = "Hold";
    out.reason = "MonitorUnreachable";
    out.message = "the monitor of Pod " + pod->meta.name +
                  " could not be read: " + fact->second.problem +
                  "; a NetworkPolicy must let the operator reach port 9091 of the Pods";
    out.updated = snapshot.now;
    return out;
  }
  return std::nullopt;
}

// One action at a time.
void actOn(const Snapshot& snapshot, const drift::Decision& decision,
           api::ModelDeploymentStatus& status, std::vector<api::EventDraft>& events) {
  const auto& spec = snapshot.deployment->spec;
  if (spec.paused || !status.target.empty()) return;
  if (decision.action == Action::Switch && decision.reason == "KnownContext" &&
      routes(*snapshot.deployment)) {
    return hold(status, "Routed",
                decision.message + ": they go there as soon as its Pods are ready");
  }
  if (decision.action == Action::Switch && decision.version != status.active &&
      spec.version.auto_) {
    const bool answersRetrain = [&] {
      const auto* version = findVersion(snapshot, decision.version);
      // A version that no run made has no name of one, and neither has a request not yet taken up.
      return status.retrain && !status.retrain->run.empty() && version &&
             version->spec.lineage.run == status.retrain->run;
    }();
    auto entry = record(decision, status, answersRetrain ? "Promote" : "Switch");
    entry.to = decision.version;
    if (const auto* asked = answersRetrain ? lastDecision(status, {"Retrain"}) : nullptr)
      entry.driftSeen = asked->driftSeen;
    decided(snapshot, status, std::move(entry), events);
    status.target = decision.version;
    status.targetSince = snapshot.now;
    if (answersRetrain) status.retrain.reset();
  }
  if (decision.action == Action::Retrain) askForRetrain(snapshot, status, decision, events);
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
                    history(status), ms(snapshot.now), snapshot.labels);
  // Without requests there is nothing new to say; what was said last still stands.
  if (windows.empty() && status.drift) return;
  if (windows.empty()) {
    if (const auto unread = monitorsUnread(snapshot, status)) {
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
