#include "api/crd.h"

#include "api/meta.h"
#include "api/model_deployment_fields.h"
#include "api/model_version_fields.h"
#include "api/schema.h"
#include "api/training_pipeline_fields.h"

namespace reprise::api {
namespace {

using Json = nlohmann::ordered_json;

struct Column {
  const char* name;
  const char* type;
  const char* path;
  int priority = 0;  // 1: only with -o wide
};

Json columns(std::initializer_list<Column> list) {
  Json out = Json::array();
  for (const auto& [name, type, path, priority] : list) {
    Json column = {{"name", name}, {"type", type}, {"jsonPath", path}};
    if (priority) column["priority"] = priority;
    out.push_back(column);
  }
  return out;
}

template <class Spec, class Status>
Json schemaOfKind(const char* doc, std::initializer_list<Rule> specRules,
                  std::initializer_list<Rule> objectRules = {}) {
  Json spec = detail::schemaStruct<Spec>();
  spec["description"] = "What is wanted.";
  for (const auto& [rule, message] : specRules)
    spec["x-kubernetes-validations"].push_back({{"rule", rule}, {"message", message}});
  Json status = detail::schemaStruct<Status>();
  status["description"] = "What is, and what was decided: written by the operator.";
  Json out = {{"type", "object"},
              {"description", doc},
              {"required", {"spec"}},
              {"properties",
               {{"apiVersion", {{"type", "string"}}},
                {"kind", {{"type", "string"}}},
                {"metadata", {{"type", "object"}}},
                {"spec", spec},
                {"status", status}}}};
  for (const auto& [rule, message] : objectRules)
    out["x-kubernetes-validations"].push_back({{"rule", rule}, {"message", message}});
  return out;
}

KindFile definition(const char* kind, const char* plural, const char* singular,
                    const char* shortName, Json schema, Json printed, Json subresources) {
  Json version = {{"name", "v1alpha1"},
                  {"served", true},
                  {"storage", true},
                  {"schema", {{"openAPIV3Schema", std::move(schema)}}},
                  {"subresources", std::move(subresources)},
                  {"additionalPrinterColumns", std::move(printed)}};
  return {kind,
          plural,
          {{"apiVersion", "apiextensions.k8s.io/v1"},
           {"kind", "CustomResourceDefinition"},
           {"metadata", {{"name", std::string(plural) + "." + kGroup}}},
           {"spec",
            {{"group", kGroup},
             {"scope", "Namespaced"},
             {"names",
              {{"kind", kind},
               {"listKind", std::string(kind) + "List"},
               {"plural", plural},
               {"singular", singular},
               {"shortNames", {shortName}},
               {"categories", {"reprise"}}}},
             {"versions", Json::array({std::move(version)})}}}}};
}

constexpr const char* kReady = ".status.conditions[?(@.type==\"Ready\")].status";
constexpr const char* kReason = ".status.conditions[?(@.type==\"Ready\")].reason";
constexpr const char* kAge = ".metadata.creationTimestamp";

}  // namespace

std::vector<KindFile> customResourceDefinitions() {
  const Json status = {{"status", Json::object()}};
  Json withScale = status;
  withScale["scale"] = {{"specReplicasPath", ".spec.replicas"},
                        {"statusReplicasPath", ".status.replicas"},
                        {"labelSelectorPath", ".status.selector"}};
  return {
      definition("TrainingPipeline", "trainingpipelines", "trainingpipeline", "tp",
                 schemaOfKind<TrainingPipelineSpec, TrainingPipelineStatus>(
                     "How a model is trained.", {},
                     {{"size(self.metadata.name) <= 40",
                       "metadata.name is longer than 40 characters, so that its Jobs could not be "
                       "named: choose a shorter name"}}),
                 columns({{"Model", "string", ".spec.model"},
                          {"Latest", "string", ".status.latestVersion"},
                          {"Ready", "string", kReady},
                          {"Reason", "string", kReason},
                          {"Python", "string", ".status.environment.python"},
                          {"Environment", "string",
                           ".status.conditions[?(@.type==\"EnvironmentAccepted\")].reason"},
                          {"Image", "string", ".status.environment.image", 1},
                          {"Age", "date", kAge}}),
                 status),
      definition(
          "ModelVersion", "modelversions", "modelversion", "mv",
          schemaOfKind<ModelVersionSpec, ModelVersionStatus>(
              "One trained model: written once, by the run that made it.",
              {{"self == oldSelf", "a ModelVersion is immutable: train another one"}}),
          columns({{"Model", "string", ".spec.model"},
                   {"Available", "string", ".status.conditions[?(@.type==\"Available\")].status"},
                   {"Reason", "string", ".status.conditions[?(@.type==\"Available\")].reason"},
                   {"Trigger", "string", ".spec.lineage.trigger"},
                   {"Python", "string", ".spec.environment.python"},
                   {"Served-By", "string", ".status.servedBy[*]"},
                   {"Image", "string", ".spec.environment.image", 1},
                   {"Age", "date", kAge}}),
          status),
      definition(
          "ModelDeployment", "modeldeployments", "modeldeployment", "md",
          schemaOfKind<ModelDeploymentSpec, ModelDeploymentStatus>("How a model is served.", {}),
          columns({{"Model", "string", ".spec.model"},
                   {"Active", "string", ".status.active"},
                   {"Target", "string", ".status.target"},
                   {"Standby", "string", ".status.standby[*]"},
                   {"Ready", "string", kReady},
                   {"Reason", "string", kReason},
                   {"Drift", "string", ".status.drift.action"},
                   {"Age", "date", kAge}}),
          withScale),
  };
}

}  // namespace reprise::api
