#include "controllers/wakeups.h"

#include "api/labels.h"

namespace reprise::controllers {
namespace {

using runtime::Key;
using runtime::Priority;

template <class Change>
Priority priorityOf(const Change& change) {
  return change.initial ? Priority::Low : Priority::High;
}

// Before and after: what an object no longer belongs to is looked at as well.
template <class Change, class Each>
void bothSides(const Change& change, Each&& each) {
  if (change.old) each(*change.old);
  if (change.now) each(*change.now);
}

void wakePipelinesOf(const Caches& caches, runtime::Controller& training, const std::string& ns,
                     const std::string& model, Priority priority) {
  for (const auto& [_, name] : caches.pipelines.keysByIndex(kModel, inNamespace(ns, model))) {
    training.enqueue({ns, name}, priority);
  }
}

void wakeDeploymentsOf(const Caches& caches, runtime::Controller& serving, const std::string& ns,
                       const std::string& model, Priority priority) {
  for (const auto& [_, name] :
       caches.modelDeployments.keysByIndex(kModel, inNamespace(ns, model))) {
    serving.enqueue({ns, name}, priority);
  }
}

// A child wakes its controller. By name: the owner may be made anew under another uid, and then it
// is that one which must look.
template <class T>
void wakeOwner(kube::Cache<T>& cache, const char* ownerKind, runtime::Controller& controller) {
  cache.onChange([ownerKind, &controller](const kube::Change<T>& change) {
    bothSides(change, [&](const T& child) {
      const auto* owner = child.meta.controller();
      if (owner && owner->kind == ownerKind) {
        controller.enqueue({change.ns, owner->name}, priorityOf(change));
      }
    });
  });
}

void wakeOnPipelines(Caches& caches, Controllers controllers) {
  caches.pipelines.onChange([&caches, controllers](const auto& change) {
    const Priority priority = priorityOf(change);
    controllers.training.enqueue({change.ns, change.name}, priority);
    // those that asked it for a run
    for (const auto& [_, name] :
         caches.modelDeployments.keysByIndex(kRetrains, inNamespace(change.ns, change.name))) {
      controllers.serving.enqueue({change.ns, name}, priority);
    }
  });
}

void wakeOnVersions(Caches& caches, Controllers controllers) {
  caches.versions.onChange([&caches, controllers](const auto& change) {
    const Priority priority = priorityOf(change);
    controllers.versions.enqueue({change.ns, change.name}, priority);
    bothSides(change, [&](const KnownVersion& known) {
      const std::string& model = known.version.spec.model;
      wakePipelinesOf(caches, controllers.training, change.ns, model, priority);
      wakeDeploymentsOf(caches, controllers.serving, change.ns, model, priority);
    });
  });
}

// The same object with the same spec: what is new is its status.
bool onlyStatus(const kube::Change<api::ModelDeployment>& change) {
  if (!change.old || !change.now) return false;
  const api::ObjectMeta &old = change.old->meta, &now = change.now->meta;
  return old.uid == now.uid && old.generation == now.generation && !old.deleted == !now.deleted;
}

// Each look of a deployment ends in a write of its status: it wakes only those who see what is new.
void wakeOnModelDeployments(Caches& caches, Controllers controllers) {
  caches.modelDeployments.onChange([&caches, controllers](const auto& change) {
    const Priority priority = priorityOf(change);
    controllers.serving.enqueue({change.ns, change.name}, priority);
    const bool status = onlyStatus(change);
    const bool servesTheSame = status && change.old->status.active == change.now->status.active;
    bothSides(change, [&](const api::ModelDeployment& deployment) {
      if (!deployment.status.active.empty() && !servesTheSame) {
        controllers.versions.enqueue({change.ns, deployment.status.active}, priority);
      }
      if (deployment.status.retrain) {
        controllers.training.enqueue({change.ns, deployment.status.retrain->pipeline}, priority);
      }
      // a check is verified by the server of the model's deployment, as its spec says
      if (!status) {
        wakePipelinesOf(caches, controllers.training, change.ns, deployment.spec.model, priority);
      }
    });
  });
}

void wakeOnPods(Caches& caches, Controllers controllers) {
  caches.pods.onChange([controllers](const auto& change) {
    bothSides(change, [&](const api::Pod& pod) {
      if (const auto name = pod.meta.label(api::kPipelineLabel); !name.empty()) {
        controllers.training.enqueue({change.ns, name}, priorityOf(change));
      }
      if (const auto name = pod.meta.label(api::kDeploymentLabel); !name.empty()) {
        controllers.serving.enqueue({change.ns, name}, priorityOf(change));
      }
    });
  });
}

}  // namespace

void wakeOnChanges(Caches& caches, Controllers controllers) {
  wakeOnPipelines(caches, controllers);
  wakeOnVersions(caches, controllers);
  wakeOnModelDeployments(caches, controllers);
  wakeOnPods(caches, controllers);
  wakeOwner(caches.jobs, "TrainingPipeline", controllers.training);
  wakeOwner(caches.serviceAccounts, "TrainingPipeline", controllers.training);
  wakeOwner(caches.roleBindings, "TrainingPipeline", controllers.training);
  wakeOwner(caches.deployments, "ModelDeployment", controllers.serving);
  wakeOwner(caches.services, "ModelDeployment", controllers.serving);
}

void wakeForImage(const Caches& caches, Controllers controllers, const std::string& image) {
  for (const auto& [ns, name] : caches.pipelines.keysByIndex(kImage, image)) {
    controllers.training.enqueue({ns, name});
  }
}

}  // namespace reprise::controllers
