#include "controllers/version_controller.h"

#include "controllers/reconcile.h"
#include "registry/version_plan.h"

namespace reprise::controllers {
namespace {

const kube::Resource& versions() { return kube::resources::modelVersions; }

}  // namespace

runtime::Controller::Hooks versionHooks(const Context& context) {
  runtime::Controller::Hooks hooks;
  hooks.reconcile = [context](const runtime::Key& key) -> runtime::Outcome {
    const auto& caches = context.caches;
    const auto known = caches.versions.get(key.ns, key.name);
    if (!known) {
      context.actor.forget(versions(), key);
      return std::nullopt;
    }
    const api::ModelVersion& version = known->version;
    registry::VersionSnapshot snapshot;
    snapshot.version = std::shared_ptr<const api::ModelVersion>(known, &version);
    const std::string& pipeline = version.spec.lineage.pipeline;
    if (!pipeline.empty()) snapshot.pipeline = caches.pipelines.get(key.ns, pipeline);
    snapshot.deployments =
        caches.modelDeployments.byIndex(kModel, inNamespace(key.ns, version.spec.model));
    snapshot.now = context.clock.now();
    return act(context, versions(), version, registry::planVersion(snapshot));
  };
  hooks.caughtUp = [context](const runtime::Key& key) {
    return context.actor.caughtUp(versions(), key);
  };
  hooks.everyKey = [context] { return everyKeyOf(context.caches.versions); };
  return hooks;
}

}  // namespace reprise::controllers
