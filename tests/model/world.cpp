#include "model/world.h"

#include <algorithm>

#include "api/crd.h"
#include "api/labels.h"
#include "base/digest.h"
#include "pods/parts.h"
#include "runtime/json_view.h"

namespace reprise::model {

namespace resources = kube::resources;
using runtime::member;
using runtime::metaString;

const kube::Resource kReplicaSets{"apps", "v1", "ReplicaSet", "replicasets"};

namespace {

// Fills in defaults and drops what the schema does not know, as the API server does with a
// structural schema.
void conform(const Json& schema, Json& value) {
  if (schema.value("x-kubernetes-preserve-unknown-fields", false)) return;
  if (value.is_array() && schema.contains("items")) {
    for (Json& item : value) conform(schema["items"], item);
  }
  if (!value.is_object() || !schema.contains("properties")) return;
  const Json& properties = schema["properties"];
  for (auto it = value.begin(); it != value.end();) {
    it = properties.contains(it.key()) ? std::next(it) : value.erase(it);
  }
  for (const auto& [name, part] : properties.items()) {
    if (!value.contains(name) && part.contains("default")) value[name] = part["default"];
    if (value.contains(name)) conform(part, value[name]);
  }
}

const std::map<std::string, Json>& schemas() {
  static const std::map<std::string, Json> all = [] {
    std::map<std::string, Json> out;
    for (const auto& kind : api::customResourceDefinitions()) {
      const Json definition = Json::parse(kind.definition.dump());
      out[kind.kind] = definition["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"];
    }
    return out;
  }();
  return all;
}

void fill(Json& object, const Json& defaults) {
  for (const auto& [key, value] : defaults.items()) {
    if (!object.contains(key))
      object[key] = value;
    else if (object[key].is_object() && value.is_object())
      fill(object[key], value);
  }
}

// A few of Kubernetes' own defaults: enough that what is stored is never what was applied.
void defaultCore(const std::string& kind, Json& object) {
  if (kind == "Service")
    fill(object["spec"],
         {{"type", "ClusterIP"}, {"sessionAffinity", "None"}, {"clusterIP", "10.96.0.7"}});
  if (kind == "Job")
    fill(object["spec"], {{"completions", 1}, {"parallelism", 1}, {"suspend", false}});
  if (kind == "Deployment") fill(object["spec"], {{"minReadySeconds", 0}, {"paused", false}});
  if (kind == "Job" || kind == "Deployment") {
    fill(object["spec"]["template"],
         {{"spec", {{"dnsPolicy", "ClusterFirst"}, {"schedulerName", "default-scheduler"}}}});
  }
}

Json ownedBy(const Json& owner, const kube::Resource& kind) {
  return Json::array({{{"apiVersion", kind.apiVersion()},
                       {"kind", kind.kind},
                       {"name", metaString(owner, "name")},
                       {"uid", metaString(owner, "uid")},
                       {"controller", true}}});
}

bool conditionIs(const Json& object, const std::string& type, const std::string& status) {
  for (const Json& one : member(member(object, "status"), "conditions")) {
    if (one.value("type", "") == type) return one.value("status", "") == status;
  }
  return false;
}

Json condition(const char* type, bool value, Time now, const char* reason = "") {
  return {{"type", type},
          {"status", value ? "True" : "False"},
          {"reason", reason},
          {"lastTransitionTime", formatTime(now)}};
}

Json exited(const std::string& name, int code, const Json& report, Time at) {
  return {{"name", name},
          {"state",
           {{"terminated",
             {{"exitCode", code}, {"message", report.dump()}, {"finishedAt", formatTime(at)}}}}}};
}

}  // namespace

World::World(std::uint64_t seed) : random(seed) {
  server.defaults = [this](const kube::Resource& kind, Json& object) {
    Json& meta = object["metadata"];
    if (!meta.contains("creationTimestamp")) meta["creationTimestamp"] = formatTime(second());
    if (const auto found = schemas().find(kind.kind); found != schemas().end()) {
      for (const char* part : {"spec", "status"}) {
        if (object.contains(part)) conform(found->second[part], object[part]);
      }
    } else {
      defaultCore(kind.kind, object);
    }
  };
}

void World::note(std::string what) {
  trace.push_back(formatTime(clock.now(), 3).substr(11) + " " + std::move(what));
}

std::string World::imageOf(char digit) const {
  return std::string("registry.example.com/fuel@sha256:") + std::string(64, digit);
}

void World::createPipeline() {
  if (server.find(resources::trainingPipelines, kNs, "fuel")) return;
  note("user creates the pipeline");
  server.put(resources::trainingPipelines,
             {{"apiVersion", resources::trainingPipelines.apiVersion()},
              {"kind", "TrainingPipeline"},
              {"metadata", {{"name", "fuel"}, {"namespace", kNs}}},
              {"spec",
               {{"model", "fuel"},
                {"environment", {{"image", kImage}}},
                {"parameters", {{"depth", "1"}}},
                {"train", {{"command", Json::array({"python", "train.py"})}}},
                {"artifact", {{"store", {{"persistentVolumeClaim", {{"claimName", "models"}}}}}}},
                {"triggers",
                 {{"change", {{"of", Json::array({"Spec", "Image"})}, {"interval", "5s"}}},
                  {"drift", {{"cooldown", "1s"}}}}},
                {"check", {{"args", Json::array({"--quick"})}}}}}});
}

void World::createDeployment(const std::string& name) {
  if (server.find(resources::modelDeployments, kNs, name)) return;
  note("user creates ModelDeployment " + name);
  server.put(
      resources::modelDeployments,
      {{"apiVersion", resources::modelDeployments.apiVersion()},
       {"kind", "ModelDeployment"},
       {"metadata", {{"name", name}, {"namespace", kNs}}},
       {"spec",
        {{"model", "fuel"},
         {"version", {{"auto", Json::object()}}},
         {"replicas", 1},
         {"template",
          {{"spec",
            {{"containers", Json::array({{{"name", "server"},
                                          {"command", Json::array({"python", "serve.py"})}}})}}}}},
         {"drift",
          {{"source", {{"monitor", Json::object()}}},
           {"window", {{"minSamples", 200}}},
           {"onDrift",
            {{"switch", {{"standby", 1}}},
             {"retrain", {{"pipelineRef", {{"name", "fuel"}}}, {"cooldown", "1s"}}}}}}}}}});
}

bool World::edit(const kube::Resource& kind, const std::string& name,
                 const std::function<void(Json&)>& edit) {
  auto object = server.find(kind, kNs, name);
  if (!object) return false;
  edit(*object);
  server.put(kind, *object);
  return true;
}

void World::annotate(const kube::Resource& kind, const std::string& name, const std::string& key,
                     const std::string& value) {
  note("user annotates " + kind.kind + " " + name + " " + key + "=" + value);
  edit(kind, name, [&](Json& object) { object["metadata"]["annotations"][key] = value; });
}

void World::erase(const kube::Resource& kind, const std::string& name) {
  const auto object = server.find(kind, kNs, name);
  if (!object) return;
  note("user deletes " + kind.kind + " " + name);
  if (kind == resources::jobs) jobsDeletedByUser.insert(metaString(*object, "uid"));
  server.erase(kind, kNs, name);
}

Json World::podOf(const Json& owner, const kube::Resource& ownerKind, const std::string& name,
                  const Json& podTemplate) {
  Json pod = {{"apiVersion", "v1"},
              {"kind", "Pod"},
              {"metadata", podTemplate.value("metadata", Json::object())},
              {"spec", Json::object()}};
  pod["metadata"]["name"] = name;
  pod["metadata"]["namespace"] = kNs;
  pod["metadata"]["ownerReferences"] = ownedBy(owner, ownerKind);
  pod["status"] = {{"phase", "Pending"}};
  return pod;
}

bool World::startJob(Json job) {
  const std::string name = metaString(job, "name");
  Json pod = podOf(job, resources::jobs, name + "-x", job["spec"]["template"]);
  pod["metadata"]["labels"]["batch.kubernetes.io/job-name"] = name;
  pod["status"]["phase"] = "Running";
  server.put(resources::pods, pod);
  job["status"] = {{"startTime", formatTime(second())}, {"active", 1}};
  server.put(resources::jobs, job);
  note("Job " + name + " starts");
  return true;
}

// What `publish` does with the file that the operator gave it.
bool World::publish(const Json& pod, const Json& job) {
  for (const auto& [key, value] : member(member(pod, "metadata"), "annotations").items()) {
    const Json run = Json::parse(value.get<std::string>(), nullptr, false);
    if (!run.is_object() || !run.contains("lineage") || !run.contains("version")) continue;
    const std::string name = run["version"];
    if (server.peek(resources::modelVersions, kNs, name))
      return false;  // a second try of the same run, or taken
    server.put(
        resources::modelVersions,
        {{"apiVersion", resources::modelVersions.apiVersion()},
         {"kind", "ModelVersion"},
         {"metadata",
          {{"name", name}, {"namespace", kNs}, {"labels", run.value("labels", Json::object())}}},
         {"spec",
          {{"model", run["model"]},
           {"artifact",
            {{"uri", "pvc://models/sha256/" + std::string(64, 'a')},
             {"sha256", std::string(64, 'a')},
             {"bytes", 10}}},
           {"environment",
            {{"image", run["image"]}, {"python", "3.11.2"}, {"packages", {{"numpy", "1.26.4"}}}}},
           {"metrics", {{"accuracy", "0.9"}}},
           {"profile", trainedProfile(live)},
           {"lineage", run["lineage"]}}}});
    note("Job " + metaString(job, "name") + " publishes " + name + " of data " + letter(live));
    return true;
  }
  return false;
}

bool World::endPod(Json pod, const Json& job, bool good) {
  const Json environment = {{"python", "3.11.2"},
                            {"changed", Json::array({"numpy 1.26.4 → 2.2.0"})}};
  const Json report = good ? Json{{"environment", environment}}
                           : Json{{"reason", "StepFailed"},
                                  {"message", "train exited with status 1"},
                                  {"environment", environment}};
  pod["status"] = {
      {"phase", good ? "Succeeded" : "Failed"},
      {"initContainerStatuses", Json::array({exited("train", good ? 0 : 1, report, second())})}};
  server.put(resources::pods, pod);
  note("the Pod of Job " + metaString(job, "name") + (good ? " succeeds" : " fails"));
  return true;
}

bool World::endJob(Json job, bool good) {
  job["status"].erase("active");
  job["status"]["conditions"] = Json::array({condition(good ? "Complete" : "Failed", true, second(),
                                                       good ? "" : "BackoffLimitExceeded")});
  if (good) job["status"]["completionTime"] = formatTime(second());
  server.put(resources::jobs, job);
  note("Job " + metaString(job, "name") + (good ? " completes" : " fails"));
  return true;
}

bool World::jobStep(const std::string& name) {
  const auto job = server.peek(resources::jobs, kNs, name);
  if (!job || conditionIs(*job, "Complete", "True") || conditionIs(*job, "Failed", "True"))
    return false;
  if (!member(*job, "status").contains("startTime")) return startJob(*job);
  const std::string uid = metaString(*job, "uid");
  const auto pod = server.peek(resources::pods, kNs, name + "-x");
  if (!pod || runtime::controllerUid(*pod) != uid) return false;
  if (!fates_.contains(uid)) {
    const std::string text = job->dump();
    const bool broken = std::any_of(brokenDigests.begin(), brokenDigests.end(), [&](char d) {
      return text.find(imageOf(d)) != std::string::npos;
    });
    fates_[uid] = !broken && !chance(jobFailures);
  }
  const bool good = fates_[uid];
  if ((*pod)["status"]["phase"] == "Running") {
    const bool trains = job->at("metadata").at("labels").value(api::kPurposeLabel, "") == "train";
    if (good && trains && publish(*pod, *job)) return true;
    return endPod(*pod, *job, good);
  }
  return endJob(*job, (*pod)["status"]["phase"] == "Succeeded");
}

bool World::deploymentStep(const std::string& name) {
  const auto found = server.peek(resources::deployments, kNs, name);
  if (!found) return false;
  const Json& deployment = *found;
  const int wanted = deployment["spec"].value("replicas", 1);
  const Json& podTemplate = deployment["spec"]["template"];
  std::string& set =
      sets_[{metaString(deployment, "uid"), deployment["metadata"]["generation"].get<int>()}];
  if (set.empty()) set = name + "-" + sha256Hex(podTemplate.dump()).substr(0, 8);
  auto owner = server.peek(kReplicaSets, kNs, set);
  if (!owner) {
    server.put(kReplicaSets,
               {{"metadata",
                 {{"name", set},
                  {"namespace", kNs},
                  {"ownerReferences", ownedBy(deployment, resources::deployments)}}}});
    owner = server.peek(kReplicaSets, kNs, set);
  }
  int up = 0, updated = 0, stale = 0;
  std::vector<std::string> old, current;
  for (const auto& one : server.peekAll(resources::pods)) {
    const Json& pod = *one;
    const std::string podName = metaString(pod, "name");
    const std::string ownerName = member(member(pod, "metadata"), "ownerReferences").is_array()
                                      ? pod["metadata"]["ownerReferences"][0]["name"]
                                      : "";
    if (ownerName != set && ownerName.rfind(name + "-", 0) != 0) continue;
    if (ownerName.size() != set.size()) continue;
    const bool ready = conditionIs(pod, "Ready", "True");
    up += ready;
    if (ownerName == set) {
      updated += 1;
      current.push_back(podName);
    } else {
      stale += 1;
      old.push_back(podName);
    }
  }
  if (updated < wanted) {
    for (int i = 0; i < wanted; ++i) {
      const std::string podName = set + "-" + std::to_string(i);
      if (std::find(current.begin(), current.end(), podName) != current.end()) continue;
      server.put(resources::pods, podOf(*owner, kReplicaSets, podName, podTemplate));
      return true;
    }
  }
  if (updated > wanted) {
    server.erase(resources::pods, kNs, current.back());
    return true;
  }
  if (stale > 0 && up >= wanted + stale) {  // its successor is ready
    server.erase(resources::pods, kNs, old.front());
    return true;
  }
  Json next = deployment;
  const bool failed = brokenVersions.contains(
      member(member(deployment, "metadata"), "labels").value(api::kVersionLabel, ""));
  next["status"] = {
      {"observedGeneration", deployment["metadata"]["generation"]},
      {"replicas", updated + stale},
      {"updatedReplicas", updated},
      {"readyReplicas", up},
      {"availableReplicas", up},
      {"conditions", Json::array({{{"type", "Progressing"},
                                   {"status", failed && up < wanted ? "False" : "True"},
                                   {"reason", "x"}}})}};
  if (next == deployment) return false;
  server.put(resources::deployments, next);
  return true;
}

// Kubelet and monitor: an address, the golden requests, then ready.
bool World::podStep(const std::string& name) {
  const auto found = server.peek(resources::pods, kNs, name);
  if (!found) return false;
  const std::string version =
      member(member(*found, "metadata"), "labels").value(api::kVersionLabel, "");
  if (version.empty() || conditionIs(*found, "Ready", "True")) return false;
  Json changed = *found;
  Json* const pod = &changed;
  Json& status = changed["status"];
  if (status.value("podIP", "").empty()) {
    const std::string address = "10.1.0." + std::to_string(++addresses_);
    status = {{"phase", "Running"}, {"podIP", address}};
    monitors_[address].instance = metaString(*pod, "uid");
    server.put(resources::pods, *pod);
    return true;
  }
  Monitor& monitor = monitors_[status["podIP"].get<std::string>()];
  if (monitor.golden == "Pending") {
    monitor.golden = brokenVersions.contains(version) ? "Failed" : "Passed";
    if (monitor.golden == "Failed") monitor.message = "answer 1 differs";
    return true;
  }
  if (monitor.golden == "Failed" && !brokenVersions.contains(version)) {  // mended
    monitor.golden = "Passed";
    return true;
  }
  if (monitor.golden == "Passed" && !conditionIs(*pod, "Ready", "True")) {
    status["conditions"] = Json::array({condition("Ready", true, second())});
    server.put(resources::pods, *pod);
    note("Pod " + name + " is ready");
    return true;
  }
  return false;
}

std::vector<std::function<bool()>> World::actors() {
  std::vector<std::function<bool()>> out;
  for (const auto& one : server.peekAll(resources::jobs)) {
    out.emplace_back([this, name = metaString(*one, "name")] { return jobStep(name); });
  }
  for (const auto& one : server.peekAll(resources::deployments)) {
    out.emplace_back([this, name = metaString(*one, "name")] { return deploymentStep(name); });
  }
  for (const auto& one : server.peekAll(resources::pods)) {
    out.emplace_back([this, name = metaString(*one, "name")] { return podStep(name); });
  }
  out.emplace_back([this] {
    const auto before = server.version();
    server.collectGarbage();
    return server.version() != before;
  });
  return out;
}

bool World::step() {
  auto all = actors();
  std::shuffle(all.begin(), all.end(), random);
  return std::any_of(all.begin(), all.end(), [](const auto& actor) { return actor(); });
}

void World::settle() {
  for (bool again = true; again;) {
    again = false;
    for (const auto& actor : actors()) again |= actor();
  }
}

void World::traffic() {
  const auto now = clock.now().time_since_epoch().count();
  for (const auto& service : server.peekAll(resources::services)) {
    const Json& selector = (*service)["spec"]["selector"];
    for (const auto& one : server.peekAll(resources::pods)) {
      const Json& pod = *one;
      if (!conditionIs(pod, "Ready", "True")) continue;
      const Json& labels = member(member(pod, "metadata"), "labels");
      const bool chosen =
          std::all_of(selector.items().begin(), selector.items().end(),
                      [&](const auto& item) { return member(labels, item.key()) == item.value(); });
      if (!chosen) continue;
      Monitor& monitor = monitors_[pod["status"]["podIP"].get<std::string>()];
      const std::int64_t seq = ++monitor.seq;
      monitor.windows.emplace_back(
          seq, "{\"seq\":" + std::to_string(seq) + ",\"firstMs\":" + std::to_string(now - 200) +
                   ",\"lastMs\":" + std::to_string(now) +
                   ",\"profile\":" + windowProfile(live, windowsSent_++) + "}");
      if (monitor.windows.size() > 64) monitor.windows.pop_front();
    }
  }
}

class Network final : public http::Transport {
 public:
  explicit Network(World& world) : world_(world) {}

  tl::expected<http::Response, http::TransportError> send(const http::Request& request,
                                                          std::chrono::milliseconds,
                                                          std::stop_token, std::size_t) override {
    const auto port = request.url.find(":9091/windows?after=");
    if (port != std::string::npos)
      return monitor(request.url.substr(7, port - 7), std::stoll(request.url.substr(port + 20)));
    if (world_.registryDown) return http::Response{503, {}, {}};
    return http::Response{
        200, {{"Docker-Content-Digest", "sha256:" + std::string(64, world_.digest)}}, {}};
  }
  tl::expected<std::unique_ptr<http::ByteStream>, http::TransportError> openStream(
      const http::Request&, std::chrono::milliseconds, std::stop_token) override {
    return tl::unexpected(http::TransportError{});
  }

 private:
  tl::expected<http::Response, http::TransportError> monitor(const std::string& address,
                                                             std::int64_t after) {
    const auto found = world_.monitors_.find(address);
    if (found == world_.monitors_.end())
      return tl::unexpected(
          http::TransportError{http::TransportError::Kind::Connect, Sent::No, "refused"});
    const auto& one = found->second;
    std::string body = "{\"instance\":\"" + one.instance + "\",\"golden\":{\"state\":\"" +
                       one.golden + "\",\"message\":\"" + one.message + "\"},\"windows\":[";
    bool first = true;
    for (const auto& [seq, text] : one.windows) {
      if (seq <= after) continue;
      body += (first ? "" : ",") + text;
      first = false;
    }
    return http::Response{200, {}, body + "]}"};
  }

  World& world_;
};

std::shared_ptr<http::Transport> World::network() { return std::make_shared<Network>(*this); }

}  // namespace reprise::model
