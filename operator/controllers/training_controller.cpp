#include "controllers/training_controller.h"

#include "controllers/reconcile.h"
#include "training/plan.h"

namespace reprise::controllers {
namespace {

const kube::Resource& pipelines() { return kube::resources::trainingPipelines; }

// How old the answer of the registry may be.
Milliseconds imageInterval(const api::TrainingPipelineSpec& spec) {
  if (!spec.triggers.change) return std::chrono::minutes(5);
  return parseDuration(spec.triggers.change->interval).value_or(std::chrono::minutes(5));
}

training::Snapshot snapshotOf(const Context& context,
                              std::shared_ptr<const api::TrainingPipeline> pipeline) {
  const auto& caches = context.caches;
  const auto& meta = pipeline->meta;
  const std::string model = inNamespace(meta.namespace_, pipeline->spec.model);
  training::Snapshot out;
  out.jobs = caches.jobs.byIndex(kOwner, meta.uid);
  for (const auto& job : out.jobs) {
    for (auto& pod : caches.pods.byIndex(kOwner, job->meta.uid)) out.pods.push_back(std::move(pod));
  }
  out.versions = versionsOf(caches.versions.byIndex(kModel, model));
  out.deployments = caches.modelDeployments.byIndex(kModel, model);
  const std::string& image = pipeline->spec.environment.image;
  if (!image.empty()) out.image = context.images.look(image, imageInterval(pipeline->spec));
  out.settings = context.settings;
  out.now = context.clock.now();
  out.pipeline = std::move(pipeline);
  return out;
}

}  // namespace

runtime::Controller::Hooks trainingHooks(const Context& context) {
  runtime::Controller::Hooks hooks;
  hooks.reconcile = [context](const runtime::Key& key) -> runtime::Outcome {
    auto pipeline = context.caches.pipelines.get(key.ns, key.name);
    if (!pipeline) {
      context.actor.forget(pipelines(), key);
      return std::nullopt;
    }
    const api::Plan plan = training::plan(snapshotOf(context, pipeline));
    return act(context, pipelines(), *pipeline, plan);
  };
  hooks.caughtUp = [context](const runtime::Key& key) {
    return context.actor.caughtUp(pipelines(), key);
  };
  hooks.everyKey = [context] { return everyKeyOf(context.caches.pipelines); };
  return hooks;
}

}  // namespace reprise::controllers
