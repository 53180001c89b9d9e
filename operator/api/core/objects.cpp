#include "api/core/objects.h"

#include "json/view.h"

namespace reprise::api {
namespace {

std::int32_t integer(const JsonView& object, const char* name) {
  return static_cast<std::int32_t>(object.integer(name));
}

std::optional<Time> time(const JsonView& object, const char* name) {
  const JsonView value = object.at(name);
  if (value.text().empty()) return std::nullopt;
  const auto parsed = parseTime(value.text());
  return parsed ? std::optional<Time>(*parsed) : std::nullopt;
}

std::vector<Condition> conditions(const JsonView& status) {
  std::vector<Condition> out;
  for (const JsonView& one : status.at("conditions").items()) {
    out.push_back({one.text("type"), one.text("status"), one.text("reason"), one.text("message"),
                   time(one, "lastTransitionTime"), one.integer("observedGeneration")});
  }
  return out;
}

// What somebody wrote: without status, and without what the server and Kubernetes' own controllers
// count up.
std::uint64_t contentHash(const JsonView& object) {
  const JsonView meta = object.at("metadata");
  const auto content =
      object.hash([](auto name) { return name != "status" && name != "metadata"; });
  const auto kept = meta.hash([](auto name) {
    return name == "labels" || name == "ownerReferences" || name == "finalizers";
  });
  const auto annotations = meta.at("annotations").hash([](auto name) {
    return name != "deployment.kubernetes.io/revision";
  });
  return content + 3 * kept + 5 * annotations;
}

ContainerStatus container(const JsonView& json, bool init) {
  ContainerStatus out;
  out.name = json.text("name");
  out.init = init;
  out.ready = json.flag("ready");
  out.restartCount = integer(json, "restartCount");
  out.imageID = json.text("imageID");
  const JsonView state = json.at("state");
  const JsonView waiting = state.at("waiting");
  out.waitingReason = waiting.text("reason");
  out.waitingMessage = waiting.text("message");
  const JsonView ended = state.at("terminated").isObject() ? state.at("terminated")
                                                           : json.at("lastState").at("terminated");
  if (ended.isObject()) {
    out.exitCode = integer(ended, "exitCode");
    out.terminatedReason = ended.text("reason");
    out.terminatedMessage = ended.text("message");
    out.finishedAt = time(ended, "finishedAt");
  }
  return out;
}

}  // namespace

ObjectMeta decodeMeta(JsonView object) {
  const JsonView meta = object.at("metadata");
  ObjectMeta out;
  out.name = meta.text("name");
  out.namespace_ = meta.text("namespace");
  out.uid = meta.text("uid");
  out.resourceVersion = meta.text("resourceVersion");
  out.generation = meta.integer("generation");
  out.labels = meta.at("labels").strings();
  out.annotations = meta.at("annotations").strings();
  for (const JsonView& owner : meta.at("ownerReferences").items()) {
    out.owners.push_back({owner.text("apiVersion"), owner.text("kind"), owner.text("name"),
                          owner.text("uid"), owner.flag("controller")});
  }
  for (const JsonView& one : meta.at("finalizers").items()) {
    if (one.isString()) out.finalizers.emplace_back(one.text());
  }
  out.created = time(meta, "creationTimestamp");
  out.deleted = time(meta, "deletionTimestamp");
  return out;
}

Child decodeChild(JsonView object) { return {decodeMeta(object), contentHash(object)}; }

Job decodeJob(JsonView object) {
  Job out;
  static_cast<Child&>(out) = decodeChild(object);
  const JsonView status = object.at("status");
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

Deployment decodeDeployment(JsonView object) {
  Deployment out;
  static_cast<Child&>(out) = decodeChild(object);
  const JsonView status = object.at("status");
  out.replicas =
      object.at("spec").at("replicas").isNull() ? 1 : integer(object.at("spec"), "replicas");
  out.readyReplicas = integer(status, "readyReplicas");
  out.updatedReplicas = integer(status, "updatedReplicas");
  out.availableReplicas = integer(status, "availableReplicas");
  out.statusReplicas = integer(status, "replicas");
  out.observedGeneration = status.integer("observedGeneration");
  out.conditions = conditions(status);
  return out;
}

Service decodeService(JsonView object) {
  Service out;
  static_cast<Child&>(out) = decodeChild(object);
  out.selector = object.at("spec").at("selector").strings();
  return out;
}

Pod decodePod(JsonView object) {
  Pod out;
  out.meta = decodeMeta(object);
  const JsonView status = object.at("status");
  out.phase = status.text("phase");
  out.reason = status.text("reason");
  out.message = status.text("message");
  out.podIP = status.text("podIP");
  for (const Condition& condition : conditions(status)) {
    if (condition.type == "Ready") out.ready = condition.status == "True";
    if (condition.type == "PodScheduled" && condition.status == "False")
      out.unschedulable = condition.message;
  }
  for (const auto& [key, init] :
       {std::pair{"initContainerStatuses", true}, std::pair{"containerStatuses", false}}) {
    for (const JsonView& one : status.at(key).items())
      out.containers.push_back(container(one, init));
  }
  return out;
}

}  // namespace reprise::api
