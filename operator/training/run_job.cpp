#include "training/run_job.h"

#include <algorithm>

#include "api/codec.h"
#include "api/labels.h"
#include "base/digest.h"
#include "pods/model_server.h"
#include "training/versions.h"

namespace reprise::training {
namespace {

using nlohmann::json;

bool isCheck(const api::Run& run) { return run.purpose == "Check"; }

std::string upper(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(), [](unsigned char c) {
    return std::isalnum(c) ? static_cast<char>(std::toupper(c)) : '_';
  });
  return text;
}

// A flat JSON object: what the data that the run was asked for says of itself.
json contextEnv(const api::Run& run) {
  return pods::env("REPRISE_CONTEXT", json(run.context).dump());
}

json stepEnv(const api::TrainingPipelineSpec& spec, const api::Run& run) {
  json out =
      json::array({pods::env("REPRISE_OUTPUT_DIR", pods::kOutputDir),
                   pods::env("REPRISE_INPUT_DIR", pods::kInputDir),
                   pods::env("REPRISE_MODEL_NAME", spec.model), pods::env("REPRISE_RUN", run.name),
                   pods::env("REPRISE_PURPOSE", run.purpose), pods::env("HOME", "/tmp")});
  if (spec.data) {
    out.push_back(pods::env("REPRISE_DATA_URI", spec.data->uri));
    if (!spec.data->window.empty())
      out.push_back(pods::env("REPRISE_DATA_WINDOW", spec.data->window));
  }
  for (const auto& [name, value] : spec.parameters)
    out.push_back(pods::env("REPRISE_PARAM_" + upper(name), value));
  if (!run.context.empty()) out.push_back(contextEnv(run));
  return out;
}

json inputMount(const char* path) {
  return {{"name", "input"}, {"mountPath", path}, {"readOnly", true}};
}

// One step of the user, wrapped by `reprise-agent entry` so that what is really in the image gets
// recorded.
json stepContainer(const Snapshot& snapshot, const api::Run& run, const char* name,
                   const api::Step& step, const std::vector<std::string>& moreArgs) {
  const auto& spec = snapshot.pipeline->spec;
  json args = json::array({"entry", "--step", name, "--environment-in-force",
                           std::string(pods::kInputDir) + "/environment.json"});
  if (!spec.environment.python.empty()) {
    args.push_back("--expect-python");
    args.push_back(spec.environment.python);
  }
  if (spec.environment.packages && spec.environment.packages->configMapKeyRef) {
    args.push_back("--expect-packages");
    args.push_back("/reprise/lock/requirements.txt");
  }
  args.push_back("--");
  for (const auto* part : {&step.command, &step.args, &moreArgs}) {
    for (const std::string& word : *part) args.push_back(word);
  }
  json container =
      pods::restrictedContainer({{"name", name},
                                 {"image", run.image},
                                 {"command", json::array({pods::kAgent})},
                                 {"args", args},
                                 {"env", stepEnv(spec, run)},
                                 {"volumeMounts", json::array({inputMount(pods::kInputDir)})}});
  if (spec.environment.packages && spec.environment.packages->configMapKeyRef) {
    container["volumeMounts"].push_back(
        {{"name", "lock"}, {"mountPath", "/reprise/lock"}, {"readOnly", true}});
  }
  if (!step.resources.is_null()) container["resources"] = step.resources;
  const json userSpec =
      spec.template_.is_object() ? spec.template_.value("spec", json::object()) : json::object();
  return pods::mergeNamed(container, pods::findByName(userSpec.value("containers", json()), name));
}

json publishContainer(const Snapshot& snapshot, const api::Run& run) {
  json container = pods::agentContainer(snapshot.settings, "publish",
                                        {"publish", "--input", pods::kInputDir, "--output",
                                         pods::kOutputDir, "--store", pods::kStoreDir});
  if (!run.context.empty()) container["env"].push_back(contextEnv(run));
  container["volumeMounts"].push_back(inputMount(pods::kInputDir));
  container["volumeMounts"].push_back({{"name", "store"}, {"mountPath", pods::kStoreDir}});
  container["volumeMounts"].push_back(
      {{"name", "publisher-token"},
       {"mountPath", "/var/run/secrets/kubernetes.io/serviceaccount"},
       {"readOnly", true}});
  return container;
}

json verifyContainer(const Snapshot& snapshot, const api::ModelDeployment* deployment) {
  std::vector<std::string> args = {"verify", "--metrics",
                                   std::string(pods::kOutputDir) + "/metrics.json"};
  if (deployment) {
    const json server = pods::serverTemplate(*deployment);
    args.insert(args.end(),
                {"--url", "http://127.0.0.1:" + std::to_string(pods::serverPort(server)),
                 "--protocol", deployment->spec.protocol, "--model", snapshot.pipeline->spec.model,
                 "--examples", std::string(pods::kOutputDir) + "/examples.jsonl", "--timeout",
                 std::to_string(deployment->spec.verify.timeoutSeconds) + "s"});
  }
  return pods::agentContainer(snapshot.settings, "verify", args);
}

// The user's model server, in the image under test, with the model that the check trained.
json checkServer(const Snapshot& snapshot, const api::Run& run,
                 const api::ModelDeployment& deployment) {
  json server = pods::mergeNamed(
      pods::restrictedContainer(
          {{"name", "server"},
           {"image", run.image},
           {"env",
            json::array({pods::env("REPRISE_MODEL_DIR", std::string(pods::kOutputDir) + "/model"),
                         pods::env("REPRISE_MODEL_NAME", snapshot.pipeline->spec.model),
                         pods::env("REPRISE_MODEL_VERSION", run.name),
                         pods::env("HOME", "/tmp")})}}),
      pods::serverTemplate(deployment));
  server["restartPolicy"] = "Always";  // a sidecar: it ends with the Pod
  for (const char* probe : {"readinessProbe", "livenessProbe", "lifecycle"}) server.erase(probe);
  return server;
}

std::map<std::string, std::string> inputFiles(const Snapshot& snapshot, const api::Run& run,
                                              const std::optional<api::EnvironmentStatus>& env) {
  const auto& pipeline = *snapshot.pipeline;
  const auto& spec = pipeline.spec;
  json lineage = {{"pipeline", pipeline.meta.name},
                  {"run", run.name},
                  {"trigger", run.trigger},
                  {"parameters", spec.parameters}};
  if (!run.parent.empty()) lineage["parent"] = run.parent;
  if (spec.data) lineage["dataUri"] = spec.data->uri;
  const json file = {{"version", versionName(spec.model, run.number)},
                     {"namespace", pipeline.meta.namespace_},
                     {"model", spec.model},
                     {"storeUri", "pvc://" + spec.artifact.store.persistentVolumeClaim->claimName},
                     {"image", run.image},
                     {"labels", {{api::kPipelineLabel, pipeline.meta.name}}},
                     {"lineage", lineage}};
  // Its packages are not known before a version was made in it: then nothing is compared with it.
  const bool known = env && !env->packages.empty();
  std::map<std::string, std::string> files = {
      {"run.json", file.dump()},
      {"parameters.json", json(spec.parameters).dump()},
      {"environment.json",
       known ? json{{"python", env->python}, {"packages", env->packages}}.dump() : "{}"}};
  if (const json basis = carriedBasis(snapshot); !basis.is_null())
    files["basis.json"] = basis.dump();
  return files;
}

json podTemplate(const Snapshot& snapshot, const api::Run& run,
                 const std::optional<api::EnvironmentStatus>& environment) {
  const auto& spec = snapshot.pipeline->spec;
  const bool check = isCheck(run);
  json pod = spec.template_.is_object() ? spec.template_ : json::object();
  json podSpec = pods::restrictedPod(pod.value("spec", json::object()));
  json init = json::array(
      {pods::installContainer(snapshot.settings),
       stepContainer(snapshot, run, "train", spec.train,
                     check && spec.check ? spec.check->args : std::vector<std::string>{})});
  if (spec.evaluate) init.push_back(stepContainer(snapshot, run, "evaluate", *spec.evaluate, {}));
  const api::ModelDeployment* deployment = check ? servingDeployment(snapshot) : nullptr;
  if (deployment) init.push_back(checkServer(snapshot, run, *deployment));
  podSpec["initContainers"] = init;
  podSpec["containers"] = json::array(
      {check ? verifyContainer(snapshot, deployment) : publishContainer(snapshot, run)});
  podSpec["restartPolicy"] = "Never";
  if (!check) {
    podSpec["serviceAccountName"] = publisherName(*snapshot.pipeline);
    podSpec["volumes"].push_back(
        {{"name", "store"},
         {"persistentVolumeClaim",
          {{"claimName", spec.artifact.store.persistentVolumeClaim->claimName}}}});
    podSpec["volumes"].push_back(
        {{"name", "publisher-token"},
         {"projected",
          {{"sources",
            json::array(
                {{{"serviceAccountToken", {{"path", "token"}, {"expirationSeconds", 3600}}}},
                 {{"configMap",
                   {{"name", "kube-root-ca.crt"},
                    {"items", json::array({{{"key", "ca.crt"}, {"path", "ca.crt"}}})}}}}})}}}});
  }
  if (spec.environment.packages && spec.environment.packages->configMapKeyRef) {
    const auto& ref = *spec.environment.packages->configMapKeyRef;
    podSpec["volumes"].push_back(
        {{"name", "lock"},
         {"configMap",
          {{"name", ref.name},
           {"items", json::array({{{"key", ref.key}, {"path", "requirements.txt"}}})}}}});
  }
  for (const auto& secret : spec.environment.pullSecrets)
    podSpec["imagePullSecrets"].push_back({{"name", secret.name}});
  pod["spec"] = podSpec;
  pods::addInputFiles(pod, inputFiles(snapshot, run, environment));
  return pod;
}

}  // namespace

std::string specHash(const api::TrainingPipelineSpec& spec) {
  const json full = api::encode(spec);
  json part;
  for (const char* key :
       {"model", "parameters", "data", "train", "evaluate", "template", "artifact"}) {
    if (full.contains(key)) part[key] = full[key];
  }
  part["python"] = spec.environment.python;
  if (full.contains("environment") && full["environment"].contains("packages")) {
    part["packages"] = full["environment"]["packages"];
  }
  return sha256Hex(part.dump());
}

json runJob(const Snapshot& snapshot, const api::Run& run,
            const std::optional<api::EnvironmentStatus>& environment) {
  const auto& pipeline = *snapshot.pipeline;
  const auto& spec = pipeline.spec;
  const std::map<std::string, std::string> labels = {
      {api::kPipelineLabel, pipeline.meta.name},
      {api::kModelLabel, spec.model},
      {api::kRunLabel, run.name},
      {api::kPurposeLabel, isCheck(run) ? "check" : "train"}};
  json meta = pods::childMeta(pipeline.meta, "TrainingPipeline", run.name, labels);
  meta["annotations"][api::kTriggerIdAnnotation] = run.triggerId;
  json pod = podTemplate(snapshot, run, environment);
  for (const auto& [key, value] : labels) pod["metadata"]["labels"][key] = value;
  pod["metadata"]["labels"][api::kManagedBy] = "reprise";  // only such Pods are watched
  const bool check = isCheck(run);
  return {{"apiVersion", "batch/v1"},
          {"kind", "Job"},
          {"metadata", meta},
          {"spec",
           {{"backoffLimit", check ? 0 : spec.backoffLimit},
            {"activeDeadlineSeconds",
             check && spec.check ? spec.check->activeDeadlineSeconds : spec.activeDeadlineSeconds},
            {"template", pod}}}};
}

std::string publisherName(const api::TrainingPipeline& pipeline) {
  return pipeline.meta.name + "-publish";
}

json publisherAccount(const api::TrainingPipeline& pipeline) {
  return {{"apiVersion", "v1"},
          {"kind", "ServiceAccount"},
          {"metadata", pods::childMeta(pipeline.meta, "TrainingPipeline", publisherName(pipeline),
                                       {{api::kPipelineLabel, pipeline.meta.name}})},
          {"automountServiceAccountToken", false}};
}

json publisherBinding(const api::TrainingPipeline& pipeline) {
  return {{"apiVersion", "rbac.authorization.k8s.io/v1"},
          {"kind", "RoleBinding"},
          {"metadata", pods::childMeta(pipeline.meta, "TrainingPipeline", publisherName(pipeline),
                                       {{api::kPipelineLabel, pipeline.meta.name}})},
          {"roleRef",
           {{"apiGroup", "rbac.authorization.k8s.io"},
            {"kind", "ClusterRole"},
            {"name", "reprise-publisher"}}},
          {"subjects", json::array({{{"kind", "ServiceAccount"},
                                     {"name", publisherName(pipeline)},
                                     {"namespace", pipeline.meta.namespace_}}})}};
}

}  // namespace reprise::training
