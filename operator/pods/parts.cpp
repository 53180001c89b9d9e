#include "pods/parts.h"

#include "api/labels.h"

namespace reprise::pods {

Json env(const std::string& name, const std::string& value) { return {{"name", name}, {"value", value}}; }

Json restrictedContainer(Json container) {
  const Json ours = {{"securityContext",
                      {{"allowPrivilegeEscalation", false}, {"capabilities", {{"drop", Json::array({"ALL"})}}}}},
                     {"volumeMounts", Json::array({{{"name", "reprise"}, {"mountPath", kRoot}}})}};
  return mergeNamed(ours, container);
}

Json restrictedPod(Json podSpec) {
  // 65532 is "nonroot" of the distroless images; fsGroup makes volumes writable for it.
  const Json ours = {{"automountServiceAccountToken", false},
                     {"enableServiceLinks", false},
                     {"securityContext",
                      {{"runAsNonRoot", true},
                       {"runAsUser", 65532},
                       {"runAsGroup", 65532},
                       {"fsGroup", 65532},
                       {"fsGroupChangePolicy", "OnRootMismatch"},
                       {"seccompProfile", {{"type", "RuntimeDefault"}}}}},
                     {"volumes", Json::array({{{"name", "reprise"}, {"emptyDir", Json::object()}}})}};
  return mergeNamed(ours, podSpec);
}

Json agentContainer(const Settings& settings, const std::string& name, std::vector<std::string> args) {
  return restrictedContainer({{"name", name},
                              {"image", settings.agentImage},
                              {"imagePullPolicy", settings.agentPullPolicy},
                              {"command", Json::array({"/usr/local/bin/reprise-agent"})},
                              {"args", std::move(args)},
                              {"resources", {{"requests", {{"cpu", "10m"}, {"memory", "16Mi"}}}}}});
}

Json installContainer(const Settings& settings) {
  return agentContainer(settings, "install", {"install", "--to", std::string(kRoot) + "/bin"});
}

void addInputFiles(Json& podTemplate, const std::map<std::string, std::string>& files) {
  Json items = Json::array();
  for (const auto& [file, content] : files) {
    const std::string key = "input.reprise.dev/" + file;
    podTemplate["metadata"]["annotations"][key] = content;
    items.push_back({{"path", file}, {"fieldRef", {{"fieldPath", "metadata.annotations['" + key + "']"}}}});
  }
  const Json added = {{"volumes", Json::array({{{"name", "input"}, {"downwardAPI", {{"items", items}}}}})}};
  podTemplate["spec"] = mergeNamed(podTemplate.value("spec", Json::object()), added);
}

Json findByName(const Json& list, const std::string& name) {
  if (!list.is_array()) return nullptr;
  for (const Json& entry : list) {
    if (entry.is_object() && entry.value("name", "") == name) return entry;
  }
  return nullptr;
}

namespace {

// What identifies an entry of a list: volumeMounts by their path, everything else by name.
std::string identity(const Json& entry) {
  if (!entry.is_object()) return {};
  for (const char* key : {"mountPath", "name"}) {
    if (const auto it = entry.find(key); it != entry.end() && it->is_string()) return it->get<std::string>();
  }
  return {};
}

Json mergeLists(Json base, const Json& over) {
  for (const Json& entry : over) {
    const std::string id = identity(entry);
    if (id.empty()) return over;   // a list of plain values is replaced as a whole
    bool found = false;
    for (Json& existing : base) {
      if (identity(existing) == id) {
        existing = mergeNamed(existing, entry);
        found = true;
        break;
      }
    }
    if (!found) base.push_back(entry);
  }
  return base;
}

}  // namespace

Json mergeNamed(const Json& base, const Json& over) {
  if (over.is_null()) return base;
  if (base.is_array() && over.is_array()) return mergeLists(base, over);
  if (!base.is_object() || !over.is_object()) return over;
  Json out = base;
  for (const auto& [key, value] : over.items()) {
    out[key] = out.contains(key) ? mergeNamed(out[key], value) : value;
  }
  return out;
}

Json childMeta(const api::ObjectMeta& owner, const std::string& ownerKind, const std::string& name,
               const std::map<std::string, std::string>& labels) {
  Json meta = {{"name", name},
               {"namespace", owner.namespace_},
               {"labels", labels},
               {"ownerReferences", Json::array({{{"apiVersion", api::kApiVersion},
                                                 {"kind", ownerKind},
                                                 {"name", owner.name},
                                                 {"uid", owner.uid},
                                                 {"controller", true},
                                                 {"blockOwnerDeletion", true}}})}};
  meta["labels"][api::kManagedBy] = "reprise";
  return meta;
}

}  // namespace reprise::pods
