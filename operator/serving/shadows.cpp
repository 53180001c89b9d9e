#include "serving/shadows.h"

#include <algorithm>
#include <set>

#include "serving/versions.h"

namespace reprise::serving {
namespace {

bool labelsAreGathered(const api::ModelDeploymentStatus& status) {
  return status.drift &&
         (status.drift->reason == "CollectingLabels" || status.drift->reason == "ScoringVersions");
}

std::vector<std::string> worthAScore(const Snapshot& snapshot,
                                     const api::ModelDeploymentStatus& status) {
  std::vector<std::string> out;
  for (const auto* version : choosable(snapshot, status)) {
    const std::string& name = version->meta.name;
    const bool runs =
        name == status.active || name == status.target ||
        std::find(status.standby.begin(), status.standby.end(), name) != status.standby.end();
    if (!runs && out.size() < kMaxShadows) out.push_back(name);
  }
  return out;
}

std::int64_t scoredRows(const Snapshot& snapshot, const std::string& version,
                        std::int64_t sinceMs) {
  std::int64_t out = 0;
  for (const auto& block : snapshot.labels) {
    if (block.version == version && block.firstMs >= sinceMs) out += block.n;
  }
  return out;
}

}  // namespace

std::optional<Milliseconds> chooseShadows(const Snapshot& snapshot,
                                          api::ModelDeploymentStatus& status) {
  const auto& spec = snapshot.deployment->spec;
  if (!spec.version.auto_ || !spec.drift || !spec.drift->onDrift.switch_ || spec.paused ||
      !labelsAreGathered(status)) {
    status.shadows.clear();
    status.shadowsSince.reset();
    return std::nullopt;
  }
  status.shadows = worthAScore(snapshot, status);
  if (!status.shadowsSince) status.shadowsSince = snapshot.now;
  const Time limit = *status.shadowsSince + kScoringLimit;
  if (limit <= snapshot.now) return std::nullopt;
  return limit - snapshot.now;
}

std::optional<std::string> waitForScores(const Snapshot& snapshot,
                                         const api::ModelDeploymentStatus& status,
                                         const drift::Decision& decision) {
  const auto& spec = snapshot.deployment->spec;
  if (decision.reason != "UnknownRule" || !spec.version.auto_ || !spec.drift->onDrift.switch_)
    return std::nullopt;
  if (status.shadowsSince && *status.shadowsSince + kScoringLimit <= snapshot.now)
    return std::nullopt;
  std::vector<std::string> wanted = worthAScore(snapshot, status), left;
  wanted.insert(wanted.end(), status.standby.begin(), status.standby.end());
  for (const auto& name : wanted) {
    if (scoredRows(snapshot, name, decision.firstDriftedMs.value_or(0)) < policy(spec).minLabels)
      left.push_back(name);
  }
  if (left.empty()) return std::nullopt;
  std::string names;
  for (const auto& name : left) names += (names.empty() ? "" : ", ") + name;
  return decision.message + "; " + names +
         " run to be scored on them before a training is asked for";
}

}  // namespace reprise::serving
