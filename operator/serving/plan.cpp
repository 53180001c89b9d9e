#include "serving/plan.h"

#include <algorithm>
#include <set>

#include "api/codec.h"
#include "api/conditions.h"
#include "api/labels.h"
#include "pods/model_server.h"
#include "serving/children.h"
#include "serving/choose.h"
#include "serving/conditions.h"
#include "serving/decisions.h"
#include "serving/live.h"
#include "serving/observe.h"
#include "serving/outside.h"
#include "serving/route_drift.h"
#include "serving/routing.h"
#include "serving/shadows.h"
#include "serving/versions.h"

namespace reprise::serving {
namespace {

// The old version's Pods stay until every node has heard of the Service's new selector and requests
// under way are answered.
constexpr auto kDrain = std::chrono::seconds(10);

void handleRetry(const Snapshot& snapshot, api::ModelDeploymentStatus& status) {
  const std::string token = snapshot.deployment->meta.annotation(api::kRetryAnnotation);
  if (token.empty() || token == status.handledRetry) return;
  status.handledRetry = token;
  status.rejected.clear();
  status.considered.clear();
}

// A version that stands by is not given up for what a cache that lags does not show: that it has
// not been judged yet, or that it is not there (standOnAbsence has that looked up).
bool mayStandBy(const Snapshot& snapshot, const api::ModelDeploymentStatus& status,
                const std::string& name) {
  const auto* version = findVersion(snapshot, name);
  return version && !version->meta.deleted && !isRejected(status, name) && !isRefused(*version);
}

// Labels told the two apart, whatever their inputs look like.
bool knownByRule(const api::ModelDeploymentStatus& status, const std::string& version) {
  return std::any_of(status.decisions.begin(), status.decisions.end(), [&](const auto& one) {
    return one.from == version && (one.reason == "KnownRule" || one.reason == "UnknownRule");
  });
}

// Versions that served earlier and were made for another kind of data than what serves now, latest
// first.
std::vector<std::string> standby(const Snapshot& snapshot, const api::ModelDeploymentStatus& status,
                                 const std::string& before) {
  const auto& drift = snapshot.deployment->spec.drift;
  if (!snapshot.deployment->spec.version.auto_ || !drift || !drift->onDrift.switch_) return {};
  std::vector<std::string> wanted = status.standby, out;
  if (!before.empty()) wanted.insert(wanted.begin(), before);
  for (const auto& name : wanted) {
    const bool known = std::find(out.begin(), out.end(), name) != out.end();
    if (!mayStandBy(snapshot, status, name) || known || name == status.active) continue;
    if (sameKind(snapshot, name, status.active) && !knownByRule(status, name)) continue;
    if (static_cast<std::int32_t>(out.size()) < drift->onDrift.switch_->standby)
      out.push_back(name);
  }
  return out;
}

void takeOver(const Snapshot& snapshot, api::ModelDeploymentStatus& status) {
  const std::string before = status.active;
  status.active = status.target;
  status.activeSince = snapshot.now;
  status.target.clear();
  status.targetSince.reset();
  status.drift.reset();  // it was about the version before
  for (auto it = status.decisions.rbegin(); it != status.decisions.rend(); ++it) {
    if (it->to != status.active) continue;
    if (it->driftSeen && it->blindSpot.empty())
      it->blindSpot = formatDuration(snapshot.now - *it->driftSeen);
    break;
  }
  status.standby = standby(snapshot, status, before);
}

void reject(const Snapshot& snapshot, api::ModelDeploymentStatus& status, const Health& state,
            std::vector<api::EventDraft>& events) {
  api::DecisionRecord record;
  record.signal = "Verification";
  record.action = "Reject";
  record.from = status.target;
  record.to = status.active;
  record.reason = state.reason;
  record.message =
      status.target + " was not ready to serve: " + state.message +
      (status.active.empty() ? "; nothing serves" : "; " + status.active + " goes on serving") +
      ". Mend it and annotate with reprise.dev/retry=<any new value>";
  status.rejected.push_back(status.target);
  std::erase(status.standby, status.target);
  status.target.clear();
  status.targetSince.reset();
  decided(snapshot, status, std::move(record), events);
}

// The target takes over as soon as it is ready; one that failed is given up, and what served goes
// on.
void advance(const Snapshot& snapshot, api::ModelDeploymentStatus& status,
             std::vector<api::EventDraft>& events) {
  if (status.target.empty()) return;
  if (!findVersion(snapshot, status.target)) {
    reject(snapshot, status,
           {Health::State::Failed, 0, "VersionDeleted", "its ModelVersion was deleted"}, events);
    return;
  }
  const Health state = health(snapshot, status.target);
  if (state.state == Health::State::Ready) takeOver(snapshot, status);
  if (state.state == Health::State::Failed) reject(snapshot, status, state, events);
}

// What is given up below because something that the status names is not there.
void standOnAbsence(const Snapshot& snapshot, const api::ModelDeploymentStatus& status,
                    api::Plan& plan) {
  const std::string& ns = snapshot.deployment->meta.namespace_;
  const auto ifAbsent = [&](const std::string& version) {
    if (!version.empty() && !findVersion(snapshot, version))
      plan.gone.push_back({api::kApiVersion, "ModelVersion", ns, version, {}});
  };
  // What serves and what was looked at last are what others are held against.
  for (const auto& version : {status.target, status.active, status.considered}) ifAbsent(version);
  for (const auto& version : status.standby) ifAbsent(version);
  for (const auto& route : status.routes) {
    ifAbsent(route.version);
    ifAbsent(route.target);
  }
  if (!status.retrain) return;
  const auto* pipeline = askedPipeline(snapshot, status);
  if (!pipeline) {
    plan.gone.push_back({api::kApiVersion, "TrainingPipeline", ns, status.retrain->pipeline, {}});
  } else if (const auto* run = askedRun(*pipeline, status); run && run->phase == "Succeeded") {
    ifAbsent(run->version);
  }
}

std::vector<std::string> served(const api::ModelDeploymentStatus& status) {
  std::vector<std::string> out;
  for (const auto& name : {status.active, status.target}) {
    if (!name.empty()) out.push_back(name);
  }
  for (const auto* more : {&status.standby, &status.shadows, &status.routed}) {
    for (const auto& name : *more) {
      if (std::find(out.begin(), out.end(), name) == out.end()) out.push_back(name);
    }
  }
  return out;
}

void applyChildren(const Snapshot& snapshot, const api::ModelDeploymentStatus& status,
                   api::Plan& plan) {
  // Before anything serves, the Service exists (its address can be handed out) and sends nowhere.
  plan.apply.push_back(service(snapshot, status.active));
  for (const auto& name : served(status)) {
    // without its ModelVersion what runs is left as it is
    if (const auto* version = findVersion(snapshot, name))
      plan.apply.push_back(versionDeployment(snapshot, *version));
  }
}

void removeChildren(const Snapshot& snapshot, const api::ModelDeploymentStatus& status,
                    api::Plan& plan) {
  auto lastChange = status.activeSince;
  for (const auto& route : status.routes) lastChange = std::max(lastChange, route.since);
  std::set<std::string> kept;
  for (const auto& name : served(status)) kept.insert(childName(*snapshot.deployment, name));
  for (const auto& child : snapshot.children) {
    if (kept.count(child->meta.name) || child->meta.deleted) continue;
    const Time until = lastChange ? *lastChange + kDrain : snapshot.now;
    if (until > snapshot.now) {
      plan.lookAgainIn(until - snapshot.now);
      continue;
    }
    plan.remove.push_back(
        {"apps/v1", "Deployment", child->meta.namespace_, child->meta.name, child->meta.uid});
  }
}

void observe(const Snapshot& snapshot, api::ModelDeploymentStatus& status) {
  status.serving.clear();
  for (const auto& name : served(status)) {
    const Health state = health(snapshot, name);
    const bool active = name == status.active;
    status.serving.push_back(
        {name, active ? 100 : 0, state.ready, active ? status.activeSince : std::nullopt});
  }
  status.replicas = status.active.empty() ? 0 : health(snapshot, status.active).ready;
  status.selector = std::string(api::kDeploymentLabel) + "=" + snapshot.deployment->meta.name +
                    "," + api::kVersionLabel + "=" + status.active;
}

}  // namespace

api::Plan plan(const Snapshot& snapshot) {
  const auto& deployment = *snapshot.deployment;
  api::Plan plan;
  if (deployment.meta.deleted) return plan;  // children are garbage-collected
  api::ModelDeploymentStatus status = deployment.status;
  status.observedGeneration = deployment.meta.generation;
  std::optional<Blocked> blocked;
  if (const auto bad = pods::badServerTemplate(deployment)) {
    blocked = Blocked{"InvalidSpec",
                      *bad + (status.active.empty() ? "" : "; what serves is left as it is")};
  } else {
    handleRetry(snapshot, status);
    standOnAbsence(snapshot, status, plan);
    advance(snapshot, status, plan.events);
    advanceRoutes(snapshot, status, plan.events);
    followRetrain(snapshot, status, plan.events);
    watchLive(snapshot, status, plan.events);
    watchRoutes(snapshot, status, plan.events);
    if (const auto again = listenOutside(snapshot, status, plan.events)) plan.lookAgainIn(*again);
    blocked = choose(snapshot, status, plan.events);
    advance(snapshot, status, plan.events);  // a version that stands by is ready now
    status.standby = standby(snapshot, status, {});
    chooseRoutes(snapshot, status, plan.events);
    advanceRoutes(snapshot, status, plan.events);
    if (const auto again = chooseShadows(snapshot, status)) plan.lookAgainIn(*again);
    applyChildren(snapshot, status, plan);
    removeChildren(snapshot, status, plan);
  }
  observe(snapshot, status);
  setConditions(snapshot, status, blocked);
  plan.status = api::encode(status);
  // Deployments and Pods wake us; this is for a wake-up that is lost
  if (!status.target.empty()) plan.lookAgainIn(std::chrono::seconds(10));
  return plan;
}

}  // namespace reprise::serving
