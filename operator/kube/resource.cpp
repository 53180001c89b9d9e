#include "kube/resource.h"

namespace reprise::kube {

std::string Resource::path(std::string_view ns, std::string_view name,
                           std::string_view subresource) const {
  std::string out = group.empty() ? "/api/" + version : "/apis/" + group + "/" + version;
  const auto add = [&](std::string_view part) {
    if (!part.empty()) out.append("/").append(part);
  };
  if (namespaced && !ns.empty()) {
    add("namespaces");
    add(ns);
  }
  add(plural);
  add(name);
  add(subresource);
  return out;
}

namespace resources {

const Resource pods{"", "v1", "Pod", "pods"};
const Resource services{"", "v1", "Service", "services"};
const Resource configMaps{"", "v1", "ConfigMap", "configmaps"};
const Resource serviceAccounts{"", "v1", "ServiceAccount", "serviceaccounts"};
const Resource events{"", "v1", "Event", "events"};
const Resource jobs{"batch", "v1", "Job", "jobs"};
const Resource deployments{"apps", "v1", "Deployment", "deployments"};
const Resource leases{"coordination.k8s.io", "v1", "Lease", "leases"};
const Resource roleBindings{"rbac.authorization.k8s.io", "v1", "RoleBinding", "rolebindings"};
const Resource customResourceDefinitions{"apiextensions.k8s.io", "v1", "CustomResourceDefinition",
                                         "customresourcedefinitions", false};
const Resource trainingPipelines{"reprise.dev", "v1alpha1", "TrainingPipeline",
                                 "trainingpipelines"};
const Resource modelVersions{"reprise.dev", "v1alpha1", "ModelVersion", "modelversions"};
const Resource modelDeployments{"reprise.dev", "v1alpha1", "ModelDeployment", "modeldeployments"};

const Resource* find(std::string_view apiVersion, std::string_view kind) {
  for (const Resource* one :
       {&pods, &services, &configMaps, &serviceAccounts, &events, &jobs, &deployments, &leases,
        &roleBindings, &trainingPipelines, &modelVersions, &modelDeployments}) {
    if (one->kind == kind && one->apiVersion() == apiVersion) return one;
  }
  return nullptr;
}

}  // namespace resources
}  // namespace reprise::kube
