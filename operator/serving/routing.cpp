#include "serving/routing.h"

#include <algorithm>

#include "api/labels.h"
#include "base/digest.h"
#include "serving/children.h"
#include "serving/versions.h"

namespace reprise::serving {

bool routes(const api::ModelDeployment& deployment) {
  return deployment.spec.routing && deployment.spec.routing->byContext;
}

std::string contextOf(const Snapshot& snapshot, const api::ModelVersion& version) {
  if (!routes(*snapshot.deployment)) return {};
  const auto it = version.spec.context.find(snapshot.deployment->spec.routing->byContext->key);
  return it == version.spec.context.end() ? std::string() : it->second;
}

std::map<std::string, std::string> namedContext(const Snapshot& snapshot,
                                                const std::string& value) {
  if (value.empty() || !routes(*snapshot.deployment)) return {};
  return {{snapshot.deployment->spec.routing->byContext->key, value}};
}

std::vector<std::string> routedVersions(const Snapshot& snapshot,
                                        const api::ModelDeploymentStatus& status) {
  std::vector<std::string> out;
  if (!routes(*snapshot.deployment) || status.active.empty()) return out;
  std::map<std::string, std::string> newest;  // by context
  const auto* active = findVersion(snapshot, status.active);
  if (active) newest[contextOf(snapshot, *active)] = status.active;
  newest[""] = status.active;
  for (const auto* version : choosable(snapshot, status)) {
    if (out.size() == kMaxRouted) break;
    if (newest.emplace(contextOf(snapshot, *version), version->meta.name).second)
      out.push_back(version->meta.name);
  }
  return out;
}

std::map<std::string, std::string> routeTables(const Snapshot& snapshot) {
  std::map<std::string, std::string> out;
  if (!routes(*snapshot.deployment)) return out;
  const auto& status = snapshot.deployment->status;
  std::map<std::string, std::pair<std::string, std::vector<std::string>>> places;  // by context
  auto names = status.routed;
  names.push_back(status.active);
  for (const auto& name : names) {
    const auto* version = findVersion(snapshot, name);
    const std::string context = version ? contextOf(snapshot, *version) : std::string();
    if (context.empty()) continue;
    auto& [served, addresses] = places[context];
    served = name;
    for (const auto& pod : snapshot.pods) {
      if (!pod->ready || pod->meta.deleted || pod->podIP.empty()) continue;
      if (pod->meta.label(api::kVersionLabel) == name)
        addresses.push_back(pods::hostPort(pod->podIP, kMonitorPort));
    }
  }
  std::size_t turn = 0;
  for (const auto& pod : snapshot.pods) {
    nlohmann::json table = nlohmann::json::object();
    for (const auto& [context, place] : places) {
      const auto& [version, addresses] = place;
      if (version == pod->meta.label(api::kVersionLabel) || addresses.empty()) continue;
      table[context] = addresses[turn % addresses.size()];
    }
    ++turn;
    out[pod->meta.uid] = nlohmann::json{{"routes", table}}.dump();
  }
  return out;
}

std::string routesToken(const api::ModelDeployment& deployment) {
  return sha256Hex("routes/" + deployment.meta.uid);
}

}  // namespace reprise::serving
