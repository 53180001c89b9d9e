#include "controllers/serving_controller.h"

#include <algorithm>
#include <set>

#include "api/labels.h"
#include "controllers/outside.h"
#include "controllers/reconcile.h"
#include "serving/children.h"
#include "serving/plan.h"
#include "serving/routing.h"

namespace reprise::controllers {
namespace {

const kube::Resource& deployments() { return kube::resources::modelDeployments; }

// Pods are owned by ReplicaSets, which are not cached; those are named after their Deployment, and
// the Deployment itself is known to be ours by uid.
bool madeBy(const api::Pod& pod, const std::vector<std::shared_ptr<const api::Deployment>>& made) {
  const auto* owner = pod.meta.controller();
  if (!owner || owner->kind != "ReplicaSet") return false;
  return std::any_of(made.begin(), made.end(), [&](const auto& deployment) {
    return owner->name.starts_with(deployment->meta.name + "-");
  });
}

std::vector<signals::MonitorTarget> targets(const serving::Snapshot& snapshot) {
  std::vector<signals::MonitorTarget> out;
  for (const auto& pod : snapshot.pods) {
    if (pod->podIP.empty() || pod->meta.deleted || pod->phase != "Running") continue;
    out.push_back({pod->meta.name, pod->meta.uid, pods::hostPort(pod->podIP, serving::kAdminPort),
                   pod->meta.label(api::kVersionLabel)});
  }
  return out;
}

void readMonitors(const Context& context, const std::string& owner, serving::Snapshot& snapshot) {
  auto pods = targets(snapshot);
  signals::MonitorRoutes routes;
  if (serving::routes(*snapshot.deployment))
    routes = {serving::routesToken(*snapshot.deployment), serving::routeTables(snapshot)};
  context.monitors.watch(owner, pods, std::move(routes));
  for (auto& [pod, view] : context.monitors.view(owner)) {
    snapshot.monitors[pod] = {view.golden, view.message, view.problem};
    for (auto& window : view.windows) snapshot.windows.push_back(std::move(window));
    for (auto& block : view.labels) snapshot.labels.push_back(std::move(block));
  }
  const std::string& active = snapshot.deployment->status.active;
  std::erase_if(pods, [&](const auto& pod) {
    return snapshot.monitors[pod.pod].golden == "Pending" || snapshot.labels.empty();
  });
  context.shadows.watch(owner, active, std::move(pods));
  for (auto& block : context.shadows.scores(owner)) snapshot.labels.push_back(std::move(block));
  std::stable_sort(snapshot.windows.begin(), snapshot.windows.end(),
                   [](const auto& a, const auto& b) { return a.lastMs < b.lastMs; });
}

// Those that it may ask for a run, or has asked.
std::set<std::string> pipelinesOf(const api::ModelDeployment& deployment) {
  std::set<std::string> out;
  const auto& drift = deployment.spec.drift;
  if (drift && drift->onDrift.retrain) out.insert(drift->onDrift.retrain->pipelineRef.name);
  if (deployment.status.retrain) out.insert(deployment.status.retrain->pipeline);
  return out;
}

serving::Snapshot snapshotOf(const Context& context,
                             std::shared_ptr<const api::ModelDeployment> deployment) {
  const auto& caches = context.caches;
  const auto& meta = deployment->meta;
  serving::Snapshot out;
  out.children = caches.deployments.byIndex(kOwner, meta.uid);
  const std::string key = inNamespace(meta.namespace_, meta.name);
  for (auto& pod : caches.pods.byIndex(kApp, key)) {
    if (madeBy(*pod, out.children)) out.pods.push_back(std::move(pod));
  }
  const auto known =
      caches.versions.byIndex(kModel, inNamespace(meta.namespace_, deployment->spec.model));
  out.versions = versionsOf(known);
  for (const auto& one : known) {
    if (one->profile) out.profiles[one->version.meta.name] = one->profile;
  }
  for (const auto& name : pipelinesOf(*deployment)) {
    if (auto pipeline = caches.pipelines.get(meta.namespace_, name))
      out.pipelines.push_back(std::move(pipeline));
  }
  out.settings = context.settings;
  out.now = context.clock.now();
  out.deployment = std::move(deployment);
  readMonitors(context, key, out);
  readOutside(context, out);
  return out;
}

}  // namespace

runtime::Controller::Hooks servingHooks(const Context& context) {
  runtime::Controller::Hooks hooks;
  hooks.reconcile = [context](const runtime::Key& key) -> runtime::Outcome {
    auto deployment = context.caches.modelDeployments.get(key.ns, key.name);
    if (!deployment) {
      context.monitors.watch(key.text(), {});
      context.shadows.watch(key.text(), {}, {});
      forgetOutside(context, key);
      context.actor.forget(deployments(), key);
      return std::nullopt;
    }
    const api::Plan plan = serving::plan(snapshotOf(context, deployment));
    auto done = act(context, deployments(), *deployment, plan);
    if (done) noteOutside(context, *deployment, plan.status);
    return done;
  };
  hooks.caughtUp = [context](const runtime::Key& key) {
    return context.actor.caughtUp(deployments(), key);
  };
  hooks.everyKey = [context] { return everyKeyOf(context.caches.modelDeployments); };
  return hooks;
}

}  // namespace reprise::controllers
