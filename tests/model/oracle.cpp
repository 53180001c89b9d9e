#include "model/oracle.h"

#include <algorithm>

#include "api/codec.h"
#include "api/labels.h"
#include "json/view.h"
#include "runtime/json_view.h"
#include "training/run_job.h"

namespace reprise::model {

namespace resources = kube::resources;
using runtime::annotation;
using runtime::controllerUid;
using runtime::member;
using runtime::metaString;
using runtime::testing::Write;

namespace {

std::string text(const Json& object, const char* field) {
  const Json& value = member(object, field);
  return value.is_string() ? value.get<std::string>() : std::string();
}

std::string selected(const Json& service) {
  return text(member(member(service, "spec"), "selector"), api::kVersionLabel);
}

// The data that a version was trained on, '?' if it is none of ours.
char kindOf(const Json& version) {
  for (const Kind kind : {Kind::A, Kind::B, Kind::C}) {
    if (member(member(version, "spec"), "profile") == trainedProfile(kind)) return letter(kind);
  }
  return '?';
}

bool available(const Json& version) {
  for (const Json& one : member(member(version, "status"), "conditions")) {
    if (one.value("type", "") == "Available") return one.value("status", "") == "True";
  }
  return false;
}

bool contains(const Json& list, const std::string& value) {
  return list.is_array() && std::find(list.begin(), list.end(), value) != list.end();
}

}  // namespace

Oracle::Oracle(World& world) : world_(world) {
  world.onViolation = [this](const std::string& what) { violated(what); };
  world.server.onChanged = [this](const Write& write, const Json* before, const Json* after) {
    if (write.verb == "remove" && before) return removed(write, *before);
    if (!after) return;
    if (write.verb == "create") created(write, *after);
    if (write.verb == "apply") applied(write, before, *after);
  };
}

void Oracle::violated(const std::string& what) {
  world_.note("VIOLATED: " + what);
  if (violations_.size() < 5) violations_.push_back(what);
}

// One request, one Job: made again only where a user deleted it before its run was known to have
// begun.
void Oracle::created(const Write& write, const Json& after) {
  if (write.plural != "jobs") return;
  const std::string id = controllerUid(after) + " " + annotation(after, api::kTriggerIdAnnotation);
  const auto found = trainings_.find(id);
  if (found != trainings_.end() && !world_.jobsDeletedByUser.contains(found->second.jobUid)) {
    violated("Job " + write.name + " is the second one for '" +
             annotation(after, api::kTriggerIdAnnotation) + "', after " + found->second.name);
  }
  trainings_[id] = {metaString(after, "uid"), write.name};
  for (const auto& pipelineObject : world_.server.peekAll(resources::trainingPipelines)) {
    const Json& pipeline = *pipelineObject;
    if (metaString(pipeline, "uid") != controllerUid(after)) continue;
    const Json& runs = member(member(pipeline, "status"), "runs");
    const bool decided = std::any_of(
        runs.begin(), runs.end(), [&](const Json& run) { return text(run, "name") == write.name; });
    if (!decided)
      violated("Job " + write.name + " was made, and no run of that name stands in the status");
    return;
  }
}

// Traffic goes only where the status says, and the status is written first.
void Oracle::applied(const Write& write, const Json* before, const Json& after) {
  if (before && !controllerUid(*before).empty() && controllerUid(*before) != controllerUid(after)) {
    violated(write.text() + " takes over what belongs to another object");
  }
  if (write.plural != "services" || (before && selected(*before) == selected(after))) return;
  for (const auto& deploymentObject : world_.server.peekAll(resources::modelDeployments)) {
    const Json& deployment = *deploymentObject;
    if (metaString(deployment, "uid") != controllerUid(after)) continue;
    const std::string active = text(member(deployment, "status"), "active");
    if (active != selected(after))
      violated("Service " + write.name + " is sent to '" + selected(after) +
               "' while the status says '" + active + "'");
  }
}

void Oracle::removed(const Write& write, const Json& before) {
  if (write.plural == "jobs") {
    const bool ended = !member(member(before, "status"), "conditions").empty();
    if (!ended) violated("Job " + write.name + " is removed before it ended");
  }
  if (write.plural != "deployments") return;
  const std::string version =
      text(member(member(before, "metadata"), "labels"), api::kVersionLabel);
  for (const auto& deploymentObject : world_.server.peekAll(resources::modelDeployments)) {
    const Json& deployment = *deploymentObject;
    if (metaString(deployment, "uid") != controllerUid(before)) continue;
    const Json& status = member(deployment, "status");
    if (text(status, "active") == version)
      violated("the Deployment of the active version " + version + " is removed");
    if (text(status, "target") == version)
      violated("the Deployment of the version that is made ready, " + version + ", is removed");
    const auto service =
        world_.server.peek(resources::services, kNs, metaString(deployment, "name"));
    if (service && controllerUid(*service) == controllerUid(before) &&
        selected(*service) == version) {
      violated("the Deployment of " + version +
               " is removed while the Service sends requests to it");
    }
  }
}

std::map<std::string, int> Oracle::changes() const {
  std::map<std::string, int> out;
  for (const Write& write : world_.server.writes()) {
    if (write.changed) ++out[write.plural + "/" + write.name];
  }
  return out;
}

std::map<std::string, int> Oracle::idle() const {
  std::map<std::string, int> out;
  for (const Write& write : world_.server.writes()) {
    // A removal names a uid: the cache need not have seen it, a second one finds nothing.
    if (!write.changed && !write.refused && write.verb != "remove") ++out[write.text()];
  }
  return out;
}

void Oracle::judgePipeline(const Json& object) {
  const auto decoded = api::decodeTrainingPipeline(JsonText(object));
  if (!decoded) return violated("the pipeline cannot be read: " + decoded.error().message);
  const api::TrainingPipeline& pipeline = *decoded;
  const auto& status = pipeline.status;
  if (status.observedGeneration != pipeline.meta.generation)
    violated("the pipeline's observedGeneration is not the current one");
  if (pipeline.spec.environment.image.empty()) return;  // invalid: it says so, and nothing runs
  for (const auto& run : status.runs) {
    if (run.phase != "Succeeded" && run.phase != "Failed")
      violated("run " + run.name + " is " + run.phase + " for ever");
  }
  for (const auto& jobObject : world_.server.peekAll(resources::jobs)) {
    const Json& job = *jobObject;
    const std::string name = metaString(job, "name");
    const bool known = std::any_of(status.runs.begin(), status.runs.end(),
                                   [&](const api::Run& run) { return run.name == name; });
    if (controllerUid(job) == pipeline.meta.uid && !known)
      violated("Job " + name + " is left behind");
  }
  for (const char* suffix : {"-publish"}) {
    if (!world_.server.peek(resources::serviceAccounts, kNs, pipeline.meta.name + suffix))
      violated("the publisher's account is missing");
    if (!world_.server.peek(resources::roleBindings, kNs, pipeline.meta.name + suffix))
      violated("the publisher's binding is missing");
  }
  if (pipeline.spec.suspend) return;
  const std::string token = pipeline.meta.annotation(api::kRunAtAnnotation);
  if (!token.empty()) {
    if (status.handledRunAt != token) violated("run-at=" + token + " was not answered");
    if (!trainings_.contains(pipeline.meta.uid + " run-at/" + token))
      violated("run-at=" + token + " was answered without a Job");
  }
  if (!status.environment) return violated("no environment is in force");
  const auto& env = *status.environment;
  if (status.latestVersion.empty())
    return violated("no version came of it, though Jobs succeed now");
  const std::string image = world_.imageOf(world_.digest), hash = training::specHash(pipeline.spec);
  const bool inForce = env.image == image && env.specHash == hash;
  const bool refused =
      env.candidateResult == "Refused" && env.candidate == image && env.candidateSpecHash == hash;
  if (!inForce && !refused)
    violated("image and spec are neither in force nor refused: " + env.candidateResult + " " +
             env.candidate.substr(env.candidate.size() < 4 ? 0 : env.candidate.size() - 4));
}

void Oracle::judgeDeployment(const Json& object) {
  const auto decoded = api::decodeModelDeployment(JsonText(object));
  if (!decoded) return violated("a ModelDeployment cannot be read: " + decoded.error().message);
  const api::ModelDeployment& deployment = *decoded;
  const auto& status = deployment.status;
  const std::string what = "ModelDeployment " + deployment.meta.name + ": ";
  if (status.observedGeneration != deployment.meta.generation)
    violated(what + "observedGeneration is not the current one");
  if (!status.target.empty())
    violated(what + "'" + status.target + "' is being made ready for ever");
  const auto service = world_.server.peek(resources::services, kNs, deployment.meta.name);
  if (!service || controllerUid(*service) != deployment.meta.uid)
    return violated(what + "its Service is missing");
  if (selected(*service) != status.active)
    violated(what + "the Service sends to '" + selected(*service) + "', active is '" +
             status.active + "'");
  std::set<std::string> served(status.standby.begin(), status.standby.end());
  if (!status.active.empty()) served.insert(status.active);
  for (const auto& childObject : world_.server.peekAll(resources::deployments)) {
    const Json& child = *childObject;
    if (controllerUid(child) != deployment.meta.uid) continue;
    const std::string version =
        text(member(member(child, "metadata"), "labels"), api::kVersionLabel);
    if (!served.erase(version))
      violated(what + "the Deployment of " + version + " is left behind");
    else if (member(child, "spec")["replicas"] != deployment.spec.replicas &&
             !world_.editedByOthers.contains(metaString(child, "uid")) &&
             world_.server.peek(resources::modelVersions, kNs, version)) {
      violated(what + "the Deployment of " + version + " has other replicas");
    }
  }
  bool any = false, ofLiveKind = false;
  char activeKind = '-';
  for (const auto& versionObject : world_.server.peekAll(resources::modelVersions)) {
    const Json& version = *versionObject;
    const std::string name = metaString(version, "name");
    if (served.erase(name)) violated(what + "the Deployment of " + name + " is missing");
    const bool able =
        available(version) &&
        std::find(status.rejected.begin(), status.rejected.end(), name) == status.rejected.end();
    any |= able;
    if (name == status.active) activeKind = kindOf(version);
    if (able && kindOf(version) == letter(world_.live)) ofLiveKind = true;
    if (!deployment.spec.version.auto_ && name == deployment.spec.version.name && able &&
        status.active != name && !deployment.spec.paused) {
      violated(what + "spec.version.name asks for " + name + ", and " + status.active + " serves");
    }
  }
  if (!deployment.spec.version.auto_ || deployment.spec.paused) return;
  if (any && status.active.empty()) violated(what + "there are versions, and none serves");
  const auto pipeline = world_.server.peek(resources::trainingPipelines, kNs, "fuel");
  const bool canTrain = pipeline && !member(*pipeline, "spec").value("suspend", false) &&
                        !text(member(member(*pipeline, "spec"), "environment"), "image").empty() &&
                        status.rejected.empty();
  if (activeKind != '-' && activeKind != letter(world_.live) && (ofLiveKind || canTrain)) {
    violated(what + "requests are of data " + letter(world_.live) + ", and " + status.active +
             " of data " + activeKind + " serves" +
             (ofLiveKind ? " though there is one for it" : " and none is trained"));
  }
}

void Oracle::judgeVersion(const Json& version) {
  const std::string name = metaString(version, "name");
  const Json& status = member(version, "status");
  if (member(status, "conditions").empty()) violated("ModelVersion " + name + " was never judged");
  for (const auto& deploymentObject : world_.server.peekAll(resources::modelDeployments)) {
    const Json& deployment = *deploymentObject;
    const bool serves = text(member(deployment, "status"), "active") == name;
    if (serves != contains(member(status, "servedBy"), metaString(deployment, "name")))
      violated("ModelVersion " + name + ": servedBy is wrong");
  }
}

void Oracle::judgeEnd() {
  std::map<std::string, std::string> byRun;
  for (const auto& versionObject : world_.server.peekAll(resources::modelVersions)) {
    const Json& version = *versionObject;
    judgeVersion(version);
    const std::string run = text(member(member(version, "spec"), "lineage"), "run");
    const auto [it, first] = byRun.emplace(run, metaString(version, "name"));
    if (!first)
      violated("run " + run + " made " + it->second + " and " + metaString(version, "name"));
  }
  for (const auto& pipeline : world_.server.peekAll(resources::trainingPipelines))
    judgePipeline(*pipeline);
  for (const auto& deployment : world_.server.peekAll(resources::modelDeployments))
    judgeDeployment(*deployment);
}

}  // namespace reprise::model
