#include "serving/choose.h"

#include <algorithm>

#include "serving/decisions.h"
#include "serving/live.h"
#include "serving/routing.h"
#include "serving/versions.h"

namespace reprise::serving {
namespace {

void aim(const Snapshot& snapshot, api::ModelDeploymentStatus& status, const std::string& version,
         const char* signal, const char* action, std::string message,
         std::vector<api::EventDraft>& events, std::optional<Time> driftSeen = {}) {
  api::DecisionRecord record;
  record.signal = signal;
  record.action = action;
  record.from = status.active;
  record.to = version;
  record.reason = signal;
  record.message = std::move(message);
  record.driftSeen = driftSeen;
  decided(snapshot, status, std::move(record), events);
  status.target = version;
  status.targetSince = snapshot.now;
}

// The cause is told as long as it is known: the record of old decisions is bounded.
Blocked whyRejected(const api::ModelDeploymentStatus& status, const std::string& name,
                    const std::string& keeps) {
  const std::string mend = "; mend it and annotate with reprise.dev/retry=<any new value>";
  for (auto it = status.decisions.rbegin(); it != status.decisions.rend(); ++it) {
    if (it->action == "Reject" && it->from == name)
      return {it->reason, "spec.version.name: " + it->message};
  }
  return {"VersionRejected", "spec.version.name: '" + name + "' failed here" + keeps + mend};
}

std::optional<Blocked> chooseNamed(const Snapshot& snapshot, api::ModelDeploymentStatus& status,
                                   std::vector<api::EventDraft>& events) {
  const std::string& name = snapshot.deployment->spec.version.name;
  const auto* version = findVersion(snapshot, name);
  const std::string keeps = status.active.empty() ? "" : "; " + status.active + " goes on serving";
  if (!version) {
    return Blocked{"VersionNotFound", "spec.version.name: there is no ModelVersion '" + name +
                                          "' of model '" + snapshot.deployment->spec.model +
                                          "' in this namespace (kubectl get mv lists them)" +
                                          keeps};
  }
  if (!isAvailable(*version)) {
    return Blocked{"VersionNotAvailable", "spec.version.name: '" + name + "' may not be served: " +
                                              whyUnavailable(*version) + keeps};
  }
  if (isRejected(status, name)) return whyRejected(status, name, keeps);
  if (status.active == name) {
    status.target.clear();
    status.targetSince.reset();
  } else if (status.target != name) {
    aim(snapshot, status, name, "Spec", status.active.empty() ? "Deploy" : "Promote",
        "spec.version.name asks for it", events);
  }
  return std::nullopt;
}

// It is for a context that the active version is not for: requests that name it are routed.
bool forOthers(const Snapshot& snapshot, const api::ModelVersion& version,
               const std::string& active) {
  const std::string context = contextOf(snapshot, version);
  const auto* serving = findVersion(snapshot, active);
  return !context.empty() && serving && contextOf(snapshot, *serving) != context;
}

// What came of the run that drift asked for; nullptr while there is nothing that may be served.
const api::ModelVersion* answerOf(const Snapshot& snapshot,
                                  const api::ModelDeploymentStatus& status) {
  for (const auto& version : snapshot.versions) {
    if (answersRetrain(status, *version) && isAvailable(*version) &&
        !isRejected(status, version->meta.name))
      return version.get();
  }
  return nullptr;
}

// It takes over, also where a newer one came meanwhile that nobody asked for. Where another version
// took over since, or the requests are back at what serves, it stays a candidate.
void considerAnswer(const Snapshot& snapshot, api::ModelDeploymentStatus& status,
                    const api::ModelVersion& answer, std::vector<api::EventDraft>& events) {
  const auto* asked = lastDecision(status, {"Retrain"});
  const auto seen = asked ? asked->driftSeen : std::nullopt;
  const std::string run = status.retrain->run;
  const auto* last = findVersion(snapshot, status.considered);
  if (!last || isNewer(answer, *last)) status.considered = answer.meta.name;
  const bool overtaken = status.activeSince && status.retrain->requestedAt &&
                         *status.activeSince > *status.retrain->requestedAt;
  const bool forARoute =
      std::any_of(status.retrain->context.begin(), status.retrain->context.end(),
                  [&](const auto& named) { return isRouted(status, named.second); });
  status.retrain.reset();
  if (routes(*snapshot.deployment) && (forARoute || !contextOf(snapshot, answer).empty())) return;
  // What somebody outside asked for may be about what the inputs do not show.
  const bool byInputs = !asked || (asked->signal != "Prometheus" && asked->signal != "Webhook");
  if (overtaken || (byInputs && status.drift && status.drift->action == "Clear")) return;
  aim(snapshot, status, answer.meta.name, "NewVersion", "Promote",
      "run " + run + ", which drift asked for, made it", events, seen);
}

// A version that came since the last look. Newer data of the same kind replaces what serves; of
// another kind it waits until such requests come (watchLive compares with it).
void considerNewest(const Snapshot& snapshot, api::ModelDeploymentStatus& status,
                    const api::ModelVersion& newest, std::vector<api::EventDraft>& events) {
  const std::string name = newest.meta.name;
  if (name == status.considered || name == status.active) {
    status.considered = name;
    return;
  }
  // The newest that a cache shows as available may be one that was looked at long ago: what came
  // after it has not been judged there yet.
  if (const auto* last = findVersion(snapshot, status.considered); last && !isNewer(newest, *last))
    return;
  const bool drifted =
      status.drift && (status.drift->action == "Retrain" || status.drift->action == "Switch");
  if (drifted) return;  // the live data decides; it is a candidate already
  status.considered = name;
  if (forOthers(snapshot, newest, status.active)) return;
  if (sameKind(snapshot, name, status.active)) {
    aim(snapshot, status, name, "NewVersion", "Promote",
        "it is newer, and of the same kind of data as " + status.active, events);
  }
}

}  // namespace

std::optional<Blocked> choose(const Snapshot& snapshot, api::ModelDeploymentStatus& status,
                              std::vector<api::EventDraft>& events) {
  if (snapshot.deployment->spec.paused) return std::nullopt;
  if (!snapshot.deployment->spec.version.auto_) return chooseNamed(snapshot, status, events);
  if (!status.target.empty()) return std::nullopt;  // one at a time
  const auto versions = choosable(snapshot, status);
  if (status.active.empty()) {
    if (!versions.empty()) {
      aim(snapshot, status, versions.front()->meta.name, "Initial", "Deploy",
          "nothing serves yet, and it is the newest version", events);
      status.considered = versions.front()->meta.name;
      return std::nullopt;
    }
    const std::string model = snapshot.deployment->spec.model;
    if (!status.rejected.empty()) {
      return Blocked{"NothingToServe", "every available version of model '" + model +
                                           "' failed here; mend one and annotate with "
                                           "reprise.dev/retry=<any new value>"};
    }
    return Blocked{"NoVersion", snapshot.versions.empty()
                                    ? "there is no ModelVersion of model '" + model +
                                          "' in this namespace yet: it is waited for"
                                    : "no ModelVersion of model '" + model +
                                          "' is available: " + snapshot.versions.back()->meta.name +
                                          ": " + whyUnavailable(*snapshot.versions.back())};
  }
  if (const auto* answer = answerOf(snapshot, status)) {
    const bool newest = !versions.empty() && versions.front() == answer;
    considerAnswer(snapshot, status, *answer, events);
    if (newest || !status.target.empty()) return std::nullopt;
  }
  if (!versions.empty()) considerNewest(snapshot, status, *versions.front(), events);
  return std::nullopt;
}

}  // namespace reprise::serving
