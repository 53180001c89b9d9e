#include "api/pack.h"

#include "api/core/objects.h"
#include "api/model_deployment_fields.h"
#include "api/model_version_fields.h"
#include "api/pack_values.h"
#include "api/training_pipeline_fields.h"

namespace reprise::api {

using detail::Is;

// What a struct has: a member that is not named here does not come back from the cache
// (pack_test.cpp has one of each).
void members(auto& each, Is<OwnerReference> auto& v) {
  each(v.apiVersion, v.kind, v.name, v.uid, v.controller);
}
void members(auto& each, Is<ObjectMeta> auto& v) {
  each(v.name, v.namespace_, v.uid, v.resourceVersion, v.generation, v.labels, v.annotations,
       v.owners, v.finalizers, v.created, v.deleted);
}
void members(auto& each, Is<Child> auto& v) { each(v.meta, v.contentHash); }
void members(auto& each, Is<Job> auto& v) {
  each(v.meta, v.contentHash, v.active, v.succeeded, v.failed, v.complete, v.hasFailed,
       v.failureReason, v.failureMessage, v.startTime, v.completionTime);
}
void members(auto& each, Is<Deployment> auto& v) {
  each(v.meta, v.contentHash, v.replicas, v.readyReplicas, v.updatedReplicas, v.availableReplicas,
       v.statusReplicas, v.observedGeneration, v.conditions);
}
void members(auto& each, Is<Service> auto& v) { each(v.meta, v.contentHash, v.selector); }
void members(auto& each, Is<ContainerStatus> auto& v) {
  each(v.name, v.init, v.ready, v.restartCount, v.imageID, v.waitingReason, v.waitingMessage,
       v.exitCode, v.terminatedReason, v.terminatedMessage, v.finishedAt);
}
void members(auto& each, Is<Pod> auto& v) {
  each(v.meta, v.phase, v.reason, v.message, v.podIP, v.ready, v.unschedulable, v.containers);
}
void members(auto& each, Is<TrainingPipeline> auto& v) { each(v.meta, v.spec, v.status); }
void members(auto& each, Is<ModelVersion> auto& v) { each(v.meta, v.spec, v.status); }
void members(auto& each, Is<ModelDeployment> auto& v) { each(v.meta, v.spec, v.status); }

template <class T>
std::string pack(const T& object) {
  detail::Writer writer;
  writer(object);
  return std::move(writer.out);
}

template <class T>
T unpack(std::string_view bytes) {
  T out;
  detail::Reader reader(bytes);
  reader(out);
  return out;
}

template std::string pack(const TrainingPipeline&);
template std::string pack(const ModelVersion&);
template std::string pack(const ModelDeployment&);
template std::string pack(const Child&);
template std::string pack(const Job&);
template std::string pack(const Deployment&);
template std::string pack(const Service&);
template std::string pack(const Pod&);
template TrainingPipeline unpack(std::string_view);
template ModelVersion unpack(std::string_view);
template ModelDeployment unpack(std::string_view);
template Child unpack(std::string_view);
template Job unpack(std::string_view);
template Deployment unpack(std::string_view);
template Service unpack(std::string_view);
template Pod unpack(std::string_view);

}  // namespace reprise::api
