// What the API server calls a resource, and where it is found.
#pragma once

#include <string>
#include <string_view>

namespace reprise::kube {

struct Resource {
  std::string group;    // "" for the core group
  std::string version;  // "v1"
  std::string kind;     // "Pod"
  std::string plural;   // "pods"
  bool namespaced = true;

  std::string apiVersion() const { return group.empty() ? version : group + "/" + version; }
  // "/apis/batch/v1/namespaces/<ns>/jobs/<name>/status"; an empty part is left out; an empty
  // namespace means all.
  std::string path(std::string_view ns, std::string_view name = {},
                   std::string_view subresource = {}) const;
  bool operator==(const Resource&) const = default;
};

// Those that this project reads or writes.
namespace resources {
extern const Resource pods, services, configMaps, serviceAccounts, events, jobs, deployments,
    leases, roleBindings, customResourceDefinitions, trainingPipelines, modelVersions,
    modelDeployments;
// By apiVersion and kind as an object carries them; nullptr if this project does not know it.
const Resource* find(std::string_view apiVersion, std::string_view kind);
}  // namespace resources

}  // namespace reprise::kube
