#include "controllers/caches.h"

#include <type_traits>
#include <utility>

#include "api/codec.h"
#include "api/labels.h"
#include "api/pack.h"
#include "controllers/trim.h"
#include "kube/resource.h"

namespace reprise::controllers {
namespace {

namespace resources = kube::resources;

kube::CacheOptions ofUsers(const kube::Resource& resource, const std::string& ns) {
  kube::CacheOptions options;
  options.resource = resource;
  options.ns = ns;
  return options;
}

kube::CacheOptions ofOurs(const kube::Resource& resource, const std::string& ns) {
  kube::CacheOptions options = ofUsers(resource, ns);
  options.labelSelector = std::string(api::kManagedBy) + "=reprise";
  return options;
}

template <class T>
constexpr bool isPod = std::is_same_v<T, api::Pod>;

template <class T>
std::function<Expected<T>(JsonView)> total(T (*decode)(JsonView)) {
  return [decode](JsonView object) -> Expected<T> {
    T out = decode(object);
    trim(out.meta, isPod<T>);
    return out;
  };
}

template <class T>
std::function<Expected<T>(JsonView)> trimmed(Expected<T> (*decode)(JsonView)) {
  return [decode](JsonView object) {
    auto out = decode(object);
    if (out) trim(out->meta, false);
    return out;
  };
}

// How a cache keeps what it seldom looks at.
template <class T>
kube::Packing<T> packed() {
  return {api::pack<T>, api::unpack<T>};
}

std::vector<std::string> ownerUid(const api::ObjectMeta& meta) {
  const auto* owner = meta.controller();
  return owner ? std::vector{owner->uid} : std::vector<std::string>{};
}

template <class T>
class CacheRunnable final : public runtime::Runnable {
 public:
  CacheRunnable(kube::Cache<T>& cache, kube::ApiConnection& connection)
      : cache_(cache), connection_(connection) {}
  std::string name() const override { return "cache of " + cache_.name(); }
  void start() override { cache_.start(connection_); }
  bool stop() override {
    cache_.stop();
    return true;
  }
  bool synced() const override { return cache_.hasSynced(); }

 private:
  kube::Cache<T>& cache_;
  kube::ApiConnection& connection_;
};

template <class T>
std::optional<runtime::ChildSeen> seen(const kube::Cache<T>& cache, const std::string& ns,
                                       const std::string& name) {
  const auto child = cache.get(ns, name);
  if (!child) return std::nullopt;
  const auto* owner = child->meta.controller();
  return runtime::ChildSeen{child->meta.uid, owner ? owner->uid : std::string(),
                            child->meta.annotation(runtime::kAppliedAnnotation),
                            child->contentHash};
}

// Calls `each` with every cache and the resource that it holds: the one list of them.
template <class Caches, class Each>
void forEach(Caches& caches, Each&& each) {
  each(caches.pipelines, resources::trainingPipelines);
  each(caches.versions, resources::modelVersions);
  each(caches.modelDeployments, resources::modelDeployments);
  each(caches.jobs, resources::jobs);
  each(caches.pods, resources::pods);
  each(caches.deployments, resources::deployments);
  each(caches.services, resources::services);
  each(caches.serviceAccounts, resources::serviceAccounts);
  each(caches.roleBindings, resources::roleBindings);
}

}  // namespace

std::string inNamespace(const std::string& ns, const std::string& name) { return ns + "/" + name; }

Caches::Caches(const std::string& ns)
    : pipelines(
          ofUsers(resources::trainingPipelines, ns), trimmed(api::decodeTrainingPipeline),
          {{kModel,
            [](const api::TrainingPipeline& p) {
              return std::vector{inNamespace(p.meta.namespace_, p.spec.model)};
            }},
           {kImage,
            [](const api::TrainingPipeline& p) { return std::vector{p.spec.environment.image}; }}},
          packed<api::TrainingPipeline>()),
      versions(ofUsers(resources::modelVersions, ns), decodeKnownVersion,
               {{kModel,
                 [](const KnownVersion& v) {
                   return std::vector{inNamespace(v.version.meta.namespace_, v.version.spec.model)};
                 }}},
               {packKnownVersion, unpackKnownVersion}),
      modelDeployments(
          ofUsers(resources::modelDeployments, ns), trimmed(api::decodeModelDeployment),
          {{kModel,
            [](const api::ModelDeployment& d) {
              return std::vector{inNamespace(d.meta.namespace_, d.spec.model)};
            }},
           {kRetrains,
            [](const api::ModelDeployment& d) {
              const auto& drift = d.spec.drift;
              return drift && drift->onDrift.retrain
                         ? std::vector{inNamespace(d.meta.namespace_,
                                                   drift->onDrift.retrain->pipelineRef.name)}
                         : std::vector<std::string>{};
            }}},
          packed<api::ModelDeployment>()),
      jobs(ofOurs(resources::jobs, ns), total<api::Job>(api::decodeJob),
           {{kOwner, [](const api::Job& job) { return ownerUid(job.meta); }}}, packed<api::Job>()),
      pods(ofOurs(resources::pods, ns), total<api::Pod>(api::decodePod),
           {{kOwner, [](const api::Pod& pod) { return ownerUid(pod.meta); }},
            {kApp,
             [](const api::Pod& pod) {
               const std::string app = pod.meta.label(api::kDeploymentLabel);
               return app.empty() ? std::vector<std::string>{}
                                  : std::vector{inNamespace(pod.meta.namespace_, app)};
             }}},
           packed<api::Pod>()),
      deployments(ofOurs(resources::deployments, ns), total<api::Deployment>(api::decodeDeployment),
                  {{kOwner, [](const api::Deployment& d) { return ownerUid(d.meta); }}},
                  packed<api::Deployment>()),
      services(ofOurs(resources::services, ns), total<api::Service>(api::decodeService), {},
               packed<api::Service>()),
      serviceAccounts(ofOurs(resources::serviceAccounts, ns), total<api::Child>(api::decodeChild),
                      {}, packed<api::Child>()),
      roleBindings(ofOurs(resources::roleBindings, ns), total<api::Child>(api::decodeChild), {},
                   packed<api::Child>()) {}

std::vector<std::unique_ptr<runtime::Runnable>> Caches::runnables(kube::ApiConnection& connection) {
  std::vector<std::unique_ptr<runtime::Runnable>> out;
  forEach(*this, [&]<class T>(kube::Cache<T>& cache, const kube::Resource&) {
    out.push_back(std::make_unique<CacheRunnable<T>>(cache, connection));
  });
  return out;
}

void Caches::addTo(runtime::CacheSet& set) {
  forEach(*this, [&]<class T>(kube::Cache<T>& cache, const kube::Resource& resource) {
    set.add(resource,
            {[&cache](const std::string& ns, const std::string& name, const std::string& version) {
               cache.noteWritten(ns, name, version);
             },
             [&cache](const std::string& ns, const std::string& name) {
               return cache.caughtUp(ns, name);
             }});
  });
}

runtime::FindChild Caches::findChild() const {
  return [this](const std::string&, const std::string& kind, const std::string& ns,
                const std::string& name) -> std::optional<runtime::ChildSeen> {
    if (kind == "Job") return seen(jobs, ns, name);
    if (kind == "Deployment") return seen(deployments, ns, name);
    if (kind == "Service") return seen(services, ns, name);
    if (kind == "ServiceAccount") return seen(serviceAccounts, ns, name);
    if (kind == "RoleBinding") return seen(roleBindings, ns, name);
    return std::nullopt;
  };
}

std::vector<std::pair<std::string, kube::CacheStats>> Caches::stats() const {
  std::vector<std::pair<std::string, kube::CacheStats>> out;
  forEach(*this, [&](const auto& cache, const kube::Resource& resource) {
    out.emplace_back(resource.plural, cache.stats());
  });
  return out;
}

}  // namespace reprise::controllers
