#include "serving/conditions.h"

#include "api/conditions.h"
#include "api/labels.h"
#include "serving/decisions.h"
#include "serving/observe.h"
#include "serving/outside.h"

namespace reprise::serving {
namespace {

struct Verdict {
  const char* status;
  std::string reason, message;
};

using State = Health::State;

Verdict ready(const Snapshot& snapshot, const api::ModelDeploymentStatus& status,
              const std::optional<Blocked>& blocked) {
  const auto& spec = snapshot.deployment->spec;
  if (status.active.empty()) {
    if (!status.target.empty())
      return {"False", "Deploying", status.target + " is being made ready, nothing serves yet"};
    if (blocked) return {"False", blocked->reason, blocked->message};
    return {"False", "Waiting", "nothing serves yet"};
  }
  const Health state = health(snapshot, status.active);
  if (state.ready == 0 && spec.replicas > 0) {
    return {"False", state.reason.empty() ? "NoPods" : state.reason,
            status.active + " has no Pod that is ready: " + state.message};
  }
  if (state.state != State::Ready)
    return {"True", "Degraded", status.active + " serves with fewer Pods: " + state.message};
  return {"True", "Serving", status.active + " serves"};
}

Verdict reconciling(const Snapshot& snapshot, const api::ModelDeploymentStatus& status) {
  if (!status.target.empty()) {
    const Health state = health(snapshot, status.target);
    return {"True", "RollingOut",
            status.target + " is being made ready: " +
                (state.message.empty() ? "its Deployment is being made" : state.message)};
  }
  for (const auto& route : status.routes) {
    if (route.target.empty()) continue;
    return {"True", "RollingOut",
            route.target + " is being made ready for context '" + route.context + "'"};
  }
  if (status.retrain) {
    return {"True", "Retraining",
            "drift asked TrainingPipeline '" + status.retrain->pipeline + "' for a run" +
                (status.retrain->run.empty() ? ", which it has not taken up yet"
                                             : ": " + status.retrain->run)};
  }
  if (snapshot.deployment->spec.paused)
    return {"False", "Paused", "spec.paused is true: set it to false to let versions change"};
  return {"False", "Idle", "nothing is under way"};
}

Verdict stalled(const Snapshot& snapshot, api::ModelDeploymentStatus& status,
                const std::optional<Blocked>& blocked) {
  if (blocked) return {"True", blocked->reason, blocked->message};
  if (!status.target.empty()) {
    const Health state = health(snapshot, status.target);
    if (state.state == State::Progressing && state.reason != "Starting")
      return {"True", state.reason, state.message};
  }
  if (const auto* last = status.decisions.empty() ? nullptr : &status.decisions.back();
      last && last->action == "Reject") {
    return {"True", last->reason, last->message};
  }
  return {"False", "Idle", "nothing is in the way"};
}

Verdict driftedBy(const std::optional<api::DriftStatus>& seen) {
  if (!seen) return {"Unknown", "NoRequests", "no requests have been seen yet"};
  const std::string& reason = seen->reason;
  if (seen->action == "Clear") return {"False", reason, seen->message};
  if (reason == "NoWindows" || reason == "MonitorUnreachable" || reason == "NoServingProfile" ||
      reason == "Learning")
    return {"Unknown", reason, seen->message};
  if (reason == "Suspected") return {"Unknown", reason, seen->message};
  return {"True", reason.empty() ? "Drifted" : reason, seen->message};
}

Verdict drifted(const Snapshot& snapshot, const api::ModelDeploymentStatus& status) {
  if (!snapshot.deployment->spec.drift)
    return {"Unknown", "NotWatched", "spec.drift is left out: nothing watches the requests"};
  if (auto outside = outsideDrift(snapshot, status))
    return {outside->status, std::move(outside->reason), std::move(outside->message)};
  const Verdict active = driftedBy(status.drift);
  if (active.status == std::string_view("True")) return active;
  for (const auto& route : status.routes) {
    auto own = driftedBy(route.drift);
    if (own.status != std::string_view("True")) continue;
    own.message = "context '" + route.context + "': " + own.message;
    return own;
  }
  return active;
}

Verdict verified(const Snapshot& snapshot, const api::ModelDeploymentStatus& status) {
  if (!snapshot.deployment->spec.verify.goldenRequests)
    return {"Unknown", "NotAsked", "spec.verify.goldenRequests is false"};
  const std::string& active = status.active;
  if (active.empty()) return {"Unknown", "NothingServes", "nothing serves yet"};
  std::optional<Verdict> said;
  for (const auto& pod : snapshot.pods) {
    const auto fact = snapshot.monitors.find(pod->meta.name);
    if (pod->meta.label(api::kVersionLabel) != active || fact == snapshot.monitors.end()) continue;
    const auto& [golden, message, problem] = fact->second;
    if (golden == "Failed") return {"False", "GoldenRequestsFailed", active + ": " + message};
    if (golden == "Passed") said = {"True", "GoldenRequestsPassed", active + ": " + message};
    if (golden == "Skipped") said = {"Unknown", "NoGoldenRequests", active + ": " + message};
  }
  if (said) return *said;
  // After a restart of ours the monitors are asked anew: what they said of this version stands.
  const auto* before = api::findCondition(status.conditions, "Verified");
  if (before && before->message.starts_with(active + ": "))
    return {before->status == "True"    ? "True"
            : before->status == "False" ? "False"
                                        : "Unknown",
            before->reason, before->message};
  return {"Unknown", "GoldenRequestsPending", active + ": its monitors have not been heard yet"};
}

}  // namespace

void setConditions(const Snapshot& snapshot, api::ModelDeploymentStatus& status,
                   const std::optional<Blocked>& blocked) {
  const auto set = [&](const char* type, Verdict verdict) {
    api::setCondition(status.conditions,
                      {type, verdict.status, std::move(verdict.reason), std::move(verdict.message),
                       std::nullopt, snapshot.deployment->meta.generation},
                      snapshot.now);
  };
  set("Ready", ready(snapshot, status, blocked));
  set("Reconciling", reconciling(snapshot, status));
  set("Stalled", stalled(snapshot, status, blocked));
  set("Drifted", drifted(snapshot, status));
  set("Verified", verified(snapshot, status));
  if (auto heard = hearing(snapshot)) {
    set("SignalsReady", {heard->status, std::move(heard->reason), std::move(heard->message)});
  } else {
    std::erase_if(status.conditions, [](const auto& one) { return one.type == "SignalsReady"; });
  }
}

}  // namespace reprise::serving
