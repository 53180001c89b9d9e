#include "serving/children.h"

#include "api/labels.h"
#include "pods/model_server.h"
#include "serving/routing.h"

namespace reprise::serving {
namespace {

using nlohmann::json;

std::map<std::string, std::string> labels(const api::ModelDeployment& deployment,
                                          const std::string& version) {
  return {{api::kDeploymentLabel, deployment.meta.name}, {api::kVersionLabel, version}};
}

// pvc://<claim>/sha256/<hex>
std::string claimOf(const std::string& uri) {
  const std::string scheme = "pvc://";
  if (uri.rfind(scheme, 0) != 0) return {};
  const auto slash = uri.find('/', scheme.size());
  return uri.substr(scheme.size(), slash == std::string::npos ? slash : slash - scheme.size());
}

json fetchContainer(const Snapshot& snapshot, const api::ModelVersion& version) {
  json out = pods::agentContainer(snapshot.settings, "fetch",
                                  {"fetch", "--store", pods::kStoreDir, "--sha256",
                                   version.spec.artifact.sha256, "--to", pods::kModelDir});
  out["volumeMounts"].push_back(
      {{"name", "store"}, {"mountPath", pods::kStoreDir}, {"readOnly", true}});
  return out;
}

json serverContainer(const Snapshot& snapshot, const api::ModelVersion& version) {
  const json ours = {{"name", "server"},
                     {"image", version.spec.environment.image},
                     {"env", json::array({pods::env("REPRISE_MODEL_DIR", pods::kModelDir),
                                          pods::env("REPRISE_MODEL_NAME", version.spec.model),
                                          pods::env("REPRISE_MODEL_VERSION", version.meta.name),
                                          pods::env("HOME", "/tmp")})}};
  return pods::mergeNamed(pods::restrictedContainer(ours),
                          pods::serverTemplate(*snapshot.deployment));
}

json probe(const char* path, int periodSeconds, int failureThreshold) {
  return {{"httpGet", {{"path", path}, {"port", kAdminPort}, {"scheme", "HTTP"}}},
          {"periodSeconds", periodSeconds},
          {"timeoutSeconds", 2},
          {"failureThreshold", failureThreshold}};
}

json monitorContainer(const Snapshot& snapshot, const api::ModelVersion& version) {
  const auto& spec = snapshot.deployment->spec;
  std::vector<std::string> args = {
      "monitor",
      "--listen",
      "0.0.0.0:" + std::to_string(kMonitorPort),
      "--admin",
      "0.0.0.0:" + std::to_string(kAdminPort),
      "--upstream",
      "127.0.0.1:" + std::to_string(pods::serverPort(pods::serverTemplate(*snapshot.deployment))),
      "--protocol",
      spec.protocol,
      "--model",
      spec.model,
      "--version",
      version.meta.name,
      "--input",
      pods::kInputDir};
  if (spec.verify.goldenRequests) {
    args.insert(args.end(), {"--golden", std::string(pods::kModelDir) + "/.reprise/examples.jsonl",
                             "--golden-timeout", std::to_string(spec.verify.timeoutSeconds) + "s"});
  }
  const bool routed = routes(*snapshot.deployment);
  if (routed) args.insert(args.end(), {"--context-header", spec.routing->byContext->header});
  json out = pods::agentContainer(snapshot.settings, "monitor", std::move(args));
  if (routed)
    out["env"].push_back(pods::env("REPRISE_ROUTES_TOKEN", routesToken(*snapshot.deployment)));
  out["ports"] =
      json::array({{{"name", "http"}, {"containerPort", kMonitorPort}, {"protocol", "TCP"}},
                   {{"name", "admin"}, {"containerPort", kAdminPort}, {"protocol", "TCP"}}});
  out["readinessProbe"] = probe("/readyz", 1, 2);
  out["livenessProbe"] = probe("/healthz", 10, 3);
  out["volumeMounts"].push_back(
      {{"name", "input"}, {"mountPath", pods::kInputDir}, {"readOnly", true}});
  return out;
}

json podTemplate(const Snapshot& snapshot, const api::ModelVersion& version) {
  const auto& deployment = *snapshot.deployment;
  json pod = deployment.spec.template_;
  json spec = pod.value("spec", json::object());
  json others = json::array();  // containers of the user's own beside "server"
  for (const json& container : spec.value("containers", json::array())) {
    if (container.value("name", "") != "server")
      others.push_back(pods::restrictedContainer(container));
  }
  spec = pods::restrictedPod(std::move(spec));
  json init = json::array({fetchContainer(snapshot, version)});
  for (const json& container : spec.value("initContainers", json::array()))
    init.push_back(container);
  spec["initContainers"] = std::move(init);
  spec["containers"] =
      json::array({serverContainer(snapshot, version), monitorContainer(snapshot, version)});
  for (json& container : others) spec["containers"].push_back(std::move(container));
  spec["volumes"].push_back(
      {{"name", "store"},
       {"persistentVolumeClaim",
        {{"claimName", claimOf(version.spec.artifact.uri)}, {"readOnly", true}}}});
  pod["spec"] = std::move(spec);
  for (const auto& [key, value] : labels(deployment, version.meta.name))
    pod["metadata"]["labels"][key] = value;
  pod["metadata"]["labels"][api::kManagedBy] = "reprise";  // only such Pods are watched
  // Without a profile the monitor forwards and records nothing: basis.json says that it is no
  // mistake.
  const auto profile = snapshot.profiles.find(version.meta.name);
  if (profile == snapshot.profiles.end())
    pods::addInputFiles(pod, {{"basis.json", "null"}});
  else
    pods::addInputFiles(pod, {{"profile.json", profile->second->text}});
  return pod;
}

}  // namespace

std::string childName(const api::ModelDeployment& deployment, const std::string& version) {
  return deployment.meta.name + "-" + version;
}

json versionDeployment(const Snapshot& snapshot, const api::ModelVersion& version) {
  const auto& deployment = *snapshot.deployment;
  const auto match = labels(deployment, version.meta.name);
  auto all = match;
  all[api::kModelLabel] = deployment.spec.model;
  return {
      {"apiVersion", "apps/v1"},
      {"kind", "Deployment"},
      {"metadata", pods::childMeta(deployment.meta, "ModelDeployment",
                                   childName(deployment, version.meta.name), all)},
      {"spec",
       {{"replicas", deployment.spec.replicas},
        {"revisionHistoryLimit", 1},
        {"progressDeadlineSeconds", deployment.spec.progressDeadlineSeconds},
        {"selector", {{"matchLabels", match}}},
        {"strategy",
         {{"type", "RollingUpdate"}, {"rollingUpdate", {{"maxUnavailable", 0}, {"maxSurge", 1}}}}},
        {"template", podTemplate(snapshot, version)}}}};
}

json service(const Snapshot& snapshot, const std::string& active) {
  const auto& deployment = *snapshot.deployment;
  return {{"apiVersion", "v1"},
          {"kind", "Service"},
          {"metadata", pods::childMeta(deployment.meta, "ModelDeployment", deployment.meta.name,
                                       {{api::kDeploymentLabel, deployment.meta.name},
                                        {api::kModelLabel, deployment.spec.model}})},
          {"spec",
           {{"selector", labels(deployment, active)},
            {"ports", json::array({{{"name", "http"},
                                    {"port", 80},
                                    {"targetPort", kMonitorPort},
                                    {"protocol", "TCP"}}})}}}};
}

}  // namespace reprise::serving
