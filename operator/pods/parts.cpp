#include "pods/parts.h"

#include <algorithm>

#include "api/labels.h"

namespace reprise::pods {

Json env(const std::string& name, const std::string& value) {
  return {{"name", name}, {"value", value}};
}

Json restrictedContainer(Json container) {
  const Json ours = {
      {"securityContext",
       {{"allowPrivilegeEscalation", false}, {"capabilities", {{"drop", Json::array({"ALL"})}}}}},
      {"volumeMounts", Json::array({{{"name", "reprise"}, {"mountPath", kRoot}}})}};
  return mergeNamed(ours, container);
}

Json restrictedPod(Json podSpec) {
  // 65532 is "nonroot" of the distroless images; fsGroup makes volumes writable for it.
  const Json ours = {
      {"automountServiceAccountToken", false},
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

Json agentContainer(const Settings& settings, const std::string& name,
                    std::vector<std::string> args) {
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

std::string hostPort(const std::string& ip, int port) {
  const bool ipv6 = ip.find(':') != std::string::npos;
  return (ipv6 ? "[" + ip + "]" : ip) + ":" + std::to_string(port);
}

void addInputFiles(Json& podTemplate, const std::map<std::string, std::string>& files) {
  Json items = Json::array();
  for (const auto& [file, content] : files) {
    const std::string key = "input.reprise.dev/" + file;
    podTemplate["metadata"]["annotations"][key] = content;
    items.push_back(
        {{"path", file}, {"fieldRef", {{"fieldPath", "metadata.annotations['" + key + "']"}}}});
  }
  const Json added = {
      {"volumes", Json::array({{{"name", "input"}, {"downwardAPI", {{"items", items}}}}})}};
  podTemplate["spec"] = mergeNamed(podTemplate.value("spec", Json::object()), added);
}

Json findByName(const Json& list, const std::string& name) {
  if (!list.is_array()) return nullptr;
  for (const Json& entry : list) {
    if (!entry.is_object()) continue;
    if (const auto it = entry.find("name"); it != entry.end() && *it == name) return entry;
  }
  return nullptr;
}

namespace {

const Json* part(const Json& object, const char* key) {
  const auto it = object.find(key);
  return it == object.end() ? nullptr : &*it;
}

bool namedObjects(const Json& list) {
  return list.is_array() && std::all_of(list.begin(), list.end(), [](const Json& entry) {
           return entry.is_object() && entry.contains("name") && entry["name"].is_string();
         });
}

}  // namespace

std::optional<std::string> badPodTemplate(const Json& podTemplate, const std::string& field) {
  if (podTemplate.is_null()) return std::nullopt;
  if (!podTemplate.is_object())
    return field + ": write a Pod template, an object with metadata and spec";
  if (const Json* meta = part(podTemplate, "metadata")) {
    if (!meta->is_object()) return field + ".metadata: must be an object";
    for (const char* key : {"labels", "annotations"}) {
      if (const Json* map = part(*meta, key); map && !map->is_object())
        return field + ".metadata." + key + ": must be an object";
    }
  }
  const Json* spec = part(podTemplate, "spec");
  if (!spec) return std::nullopt;
  if (!spec->is_object()) return field + ".spec: must be an object";
  for (const char* key : {"containers", "initContainers", "volumes", "imagePullSecrets"}) {
    if (const Json* list = part(*spec, key); list && !namedObjects(*list)) {
      return field + ".spec." + key + ": must be a list of objects, each with a name";
    }
  }
  return std::nullopt;
}

namespace {

// What identifies an entry of a list: volumeMounts by their path, everything else by name.
std::string identity(const Json& entry) {
  if (!entry.is_object()) return {};
  for (const char* key : {"mountPath", "name"}) {
    if (const auto it = entry.find(key); it != entry.end() && it->is_string())
      return it->get<std::string>();
  }
  return {};
}

Json mergeLists(Json base, const Json& over) {
  for (const Json& entry : over) {
    const std::string id = identity(entry);
    if (id.empty()) return over;  // a list of plain values is replaced as a whole
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
