// A toy kind with a plan of every sort of write, to try the runtime without the domain: spec.n
// wants the Job run-<n>, the ConfigMap config, the Service front-<n>, and that the Service of an
// earlier n is gone.
#pragma once

#include "runtime/testing/fake_cache.h"

namespace reprise::runtime::testing {

inline const kube::Resource& toyKind() { return kube::resources::modelDeployments; }

inline std::vector<kube::Resource> toyKinds() {
  return {toyKind(), kube::resources::jobs, kube::resources::configMaps, kube::resources::services};
}

inline Json toyObject(int n) {
  return {{"apiVersion", toyKind().apiVersion()},
          {"kind", toyKind().kind},
          {"metadata", {{"name", "toy"}, {"namespace", "ns"}}},
          {"spec", {{"n", n}}}};
}

inline Json toyChild(const Subject& owner, const kube::Resource& kind, const std::string& name,
                     Json spec) {
  return {{"apiVersion", kind.apiVersion()},
          {"kind", kind.kind},
          {"metadata",
           {{"name", name},
            {"namespace", owner.ns},
            {"ownerReferences", Json::array({{{"apiVersion", owner.resource.apiVersion()},
                                              {"kind", owner.resource.kind},
                                              {"name", owner.name},
                                              {"uid", owner.uid},
                                              {"controller", true}}})}}},
          {"spec", std::move(spec)}};
}

inline Subject toySubject(const Json& object) {
  return {toyKind(),
          metaString(object, "namespace"),
          metaString(object, "name"),
          metaString(object, "uid"),
          metaString(object, "resourceVersion"),
          object.value("status", Json())};
}

inline api::Plan toyPlan(const Json& object, const FakeCache& cache) {
  const Subject subject = toySubject(object);
  const int n = object["spec"]["n"];
  const std::string number = std::to_string(n);
  api::Plan plan;
  plan.status = {{"n", n}, {"conditions", Json::array({{{"type", "Ready"}, {"status", "True"}}})}};
  plan.apply = {toyChild(subject, kube::resources::jobs, "run-" + number, {{"n", n}}),
                toyChild(subject, kube::resources::configMaps, "config",
                         {{"n", n}, {"only-" + number, true}}),
                toyChild(subject, kube::resources::services, "front-" + number, {{"port", 80}})};
  for (int old = 1; old < n; ++old) {
    const auto service =
        cache.find(kube::resources::services, "ns", "front-" + std::to_string(old));
    if (service)
      plan.remove.push_back(
          {"v1", "Service", "ns", metaString(*service, "name"), metaString(*service, "uid")});
  }
  return plan;
}

}  // namespace reprise::runtime::testing
