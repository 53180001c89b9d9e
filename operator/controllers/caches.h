// What the operator knows of the cluster: a cache for each kind that it reads or owns.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "api/core/objects.h"
#include "api/model_deployment.h"
#include "api/training_pipeline.h"
#include "controllers/known_version.h"
#include "kube/informer.h"
#include "runtime/actor.h"
#include "runtime/cache_set.h"
#include "runtime/runnable.h"

namespace reprise::controllers {

// Indexes. kOwner: by uid of the controller. kModel: by "<namespace>/<model>".
// kImage: by spec.environment.image. kApp: by "<namespace>/<ModelDeployment>".
// kRetrains: by "<namespace>/<TrainingPipeline>" of spec.drift.onDrift.retrain.
inline constexpr const char* kOwner = "owner";
inline constexpr const char* kModel = "model";
inline constexpr const char* kImage = "image";
inline constexpr const char* kApp = "app";
inline constexpr const char* kRetrains = "retrains";

std::string inNamespace(const std::string& ns, const std::string& name);  // "<ns>/<name>"

// There are thousands of objects, so only what a plan looks at is kept (trim.h; labels of Pods
// alone; known_version.h), and that packed (api/pack.h): it is unpacked to be looked at.
class Caches {
 public:
  // `ns` "" = all namespaces.
  explicit Caches(const std::string& ns);

  kube::Cache<api::TrainingPipeline> pipelines;
  kube::Cache<KnownVersion> versions;
  kube::Cache<api::ModelDeployment> modelDeployments;
  // Of these only what the operator made: the label app.kubernetes.io/managed-by says so.
  kube::Cache<api::Job> jobs;
  kube::Cache<api::Pod> pods;
  kube::Cache<api::Deployment> deployments;
  kube::Cache<api::Service> services;
  kube::Cache<api::Child> serviceAccounts, roleBindings;

  // As a manager starts and stops them. `connection` outlives them.
  std::vector<std::unique_ptr<runtime::Runnable>> runnables(kube::ApiConnection& connection);
  // For read-your-writes.
  void addTo(runtime::CacheSet& set);
  // Children as the actor compares with them.
  runtime::FindChild findChild() const;
  // Name and numbers of each cache, for metrics.
  std::vector<std::pair<std::string, kube::CacheStats>> stats() const;
};

}  // namespace reprise::controllers
