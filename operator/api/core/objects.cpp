#include "api/core/objects.h"

#include <algorithm>
#include <functional>
#include <set>

namespace reprise::api {
namespace {

using Json = nlohmann::json;

const Json& at(const Json& object, const char* key) {
  static const Json none;
  if (!object.is_object()) return none;
  const auto it = object.find(key);
  return it == object.end() ? none : *it;
}

std::string text(const Json& object, const char* key) {
  const Json& value = at(object, key);
  return value.is_string() ? value.get<std::string>() : std::string();
}

template <class Int = std::int32_t>
Int integer(const Json& object, const char* key) {
  const Json& value = at(object, key);
  return value.is_number_integer() ? value.get<Int>() : Int{};
}

bool flag(const Json& object, const char* key) {
  const Json& value = at(object, key);
  return value.is_boolean() && value.get<bool>();
}

std::optional<Time> time(const Json& object, const char* key) {
  const std::string value = text(object, key);
  if (value.empty()) return std::nullopt;
  const auto parsed = parseTime(value);
  return parsed ? std::optional<Time>(*parsed) : std::nullopt;
}

std::map<std::string, std::string> strings(const Json& object) {
  std::map<std::string, std::string> out;
  if (!object.is_object()) return out;
  for (const auto& [key, value] : object.items()) {
    if (value.is_string()) out[key] = value.get<std::string>();
  }
  return out;
}

std::vector<Condition> conditions(const Json& status) {
  std::vector<Condition> out;
  const Json& list = at(status, "conditions");
  if (!list.is_array()) return out;
  for (const Json& one : list) {
    out.push_back({text(one, "type"), text(one, "status"), text(one, "reason"),
                   text(one, "message"), time(one, "lastTransitionTime"),
                   integer<std::int64_t>(one, "observedGeneration")});
  }
  return out;
}

// What somebody wrote: without status, and without what the server and Kubernetes' own controllers
// count up.
std::uint64_t contentHash(const Json& object) {
  if (!object.is_object()) return 0;
  std::string content;
  for (const auto& [key, value] : object.items()) {
    if (key != "status" && key != "metadata") content.append(key).append(value.dump());
  }
  Json meta;
  for (const char* key : {"labels", "annotations", "ownerReferences", "finalizers"}) {
    if (const Json& value = at(at(object, "metadata"), key); !value.is_null()) meta[key] = value;
  }
  if (meta.contains("annotations")) meta["annotations"].erase("deployment.kubernetes.io/revision");
  return std::hash<std::string>{}(content.append(meta.dump()));
}

ContainerStatus container(const Json& json, bool init) {
  ContainerStatus out;
  out.name = text(json, "name");
  out.init = init;
  out.ready = flag(json, "ready");
  out.restartCount = integer(json, "restartCount");
  out.imageID = text(json, "imageID");
  const Json& state = at(json, "state");
  const Json& waiting = at(state, "waiting");
  out.waitingReason = text(waiting, "reason");
  out.waitingMessage = text(waiting, "message");
  const Json& ended = at(state, "terminated").is_object() ? at(state, "terminated")
                                                          : at(at(json, "lastState"), "terminated");
  if (ended.is_object()) {
    out.exitCode = integer(ended, "exitCode");
    out.terminatedReason = text(ended, "reason");
    out.terminatedMessage = text(ended, "message");
    out.finishedAt = time(ended, "finishedAt");
  }
  return out;
}

}  // namespace

ObjectMeta decodeMeta(const Json& object) {
  const Json& meta = at(object, "metadata");
  ObjectMeta out;
  out.name = text(meta, "name");
  out.namespace_ = text(meta, "namespace");
  out.uid = text(meta, "uid");
  out.resourceVersion = text(meta, "resourceVersion");
  out.generation = integer<std::int64_t>(meta, "generation");
  out.labels = strings(at(meta, "labels"));
  out.annotations = strings(at(meta, "annotations"));
  if (const Json& owners = at(meta, "ownerReferences"); owners.is_array()) {
    for (const Json& owner : owners) {
      out.owners.push_back({text(owner, "apiVersion"), text(owner, "kind"), text(owner, "name"),
                            text(owner, "uid"), flag(owner, "controller")});
    }
  }
  if (const Json& finalizers = at(meta, "finalizers"); finalizers.is_array()) {
    for (const Json& one : finalizers) {
      if (one.is_string()) out.finalizers.push_back(one.get<std::string>());
    }
  }
  out.created = time(meta, "creationTimestamp");
  out.deleted = time(meta, "deletionTimestamp");
  return out;
}

Child decodeChild(const Json& object) { return {decodeMeta(object), contentHash(object)}; }

Job decodeJob(const Json& object) {
  Job out;
  static_cast<Child&>(out) = decodeChild(object);
  const Json& status = at(object, "status");
  out.active = integer(status, "active");
  out.succeeded = integer(status, "succeeded");
  out.failed = integer(status, "failed");
  out.startTime = time(status, "startTime");
  out.completionTime = time(status, "completionTime");
  for (const Condition& condition : conditions(status)) {
    if (condition.status != "True") continue;
    if (condition.type == "Complete") out.complete = true;
    if (condition.type != "Failed") continue;
    out.hasFailed = true;
    out.failureReason = condition.reason;
    out.failureMessage = condition.message;
    if (!out.completionTime)
      out.completionTime = condition.lastTransitionTime;  // only successes have one
  }
  return out;
}

Deployment decodeDeployment(const Json& object) {
  Deployment out;
  static_cast<Child&>(out) = decodeChild(object);
  const Json& status = at(object, "status");
  out.replicas =
      at(at(object, "spec"), "replicas").is_null() ? 1 : integer(at(object, "spec"), "replicas");
  out.readyReplicas = integer(status, "readyReplicas");
  out.updatedReplicas = integer(status, "updatedReplicas");
  out.availableReplicas = integer(status, "availableReplicas");
  out.statusReplicas = integer(status, "replicas");
  out.observedGeneration = integer<std::int64_t>(status, "observedGeneration");
  out.conditions = conditions(status);
  return out;
}

Service decodeService(const Json& object) {
  Service out;
  static_cast<Child&>(out) = decodeChild(object);
  out.selector = strings(at(at(object, "spec"), "selector"));
  return out;
}

Pod decodePod(const Json& object) {
  Pod out;
  out.meta = decodeMeta(object);
  const Json& status = at(object, "status");
  out.phase = text(status, "phase");
  out.reason = text(status, "reason");
  out.message = text(status, "message");
  out.podIP = text(status, "podIP");
  for (const Condition& condition : conditions(status)) {
    if (condition.type == "Ready") out.ready = condition.status == "True";
    if (condition.type == "PodScheduled" && condition.status == "False")
      out.unschedulable = condition.message;
  }
  for (const auto& [key, init] :
       {std::pair{"initContainerStatuses", true}, std::pair{"containerStatuses", false}}) {
    const Json& list = at(status, key);
    if (!list.is_array()) continue;
    for (const Json& one : list) out.containers.push_back(container(one, init));
  }
  return out;
}

}  // namespace reprise::api
