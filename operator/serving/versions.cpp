#include "serving/versions.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>

#include "api/conditions.h"
#include "base/time.h"

namespace reprise::serving {
namespace {

bool in(const std::vector<std::string>& list, const std::string& name) {
  return std::find(list.begin(), list.end(), name) != list.end();
}

}  // namespace

const api::ModelVersion* findVersion(const Snapshot& snapshot, const std::string& name) {
  for (const auto& version : snapshot.versions) {
    if (version->meta.name == name) return version.get();
  }
  return nullptr;
}

bool isAvailable(const api::ModelVersion& version) {
  const auto* condition = api::findCondition(version.status.conditions, "Available");
  return condition && condition->status == "True" && !version.meta.deleted;
}

bool isRefused(const api::ModelVersion& version) {
  const auto* condition = api::findCondition(version.status.conditions, "Available");
  return condition && condition->status == "False";
}

bool isRejected(const api::ModelDeploymentStatus& status, const std::string& version) {
  return in(status.rejected, version);
}

std::string whyUnavailable(const api::ModelVersion& version) {
  if (version.meta.deleted) return "it is being deleted";
  const auto* condition = api::findCondition(version.status.conditions, "Available");
  return condition ? condition->reason + ": " + condition->message
                   : "its gates have not been judged yet";
}

std::optional<drift::ReferenceError> referenceError(const api::ModelVersion& version) {
  const auto number = [&](const char* name) -> std::optional<double> {
    const auto it = version.spec.metrics.find(name);
    if (it == version.spec.metrics.end()) return std::nullopt;
    char* end = nullptr;
    const double value = std::strtod(it->second.c_str(), &end);
    return *end == 0 && std::isfinite(value) && value >= 0 ? std::optional(value) : std::nullopt;
  };
  const auto error = number("error"), rows = number("error_rows");
  if (!error || !rows || *rows < 1 || *rows > 1e15) return std::nullopt;
  return drift::ReferenceError{*error, static_cast<std::int64_t>(*rows)};
}

// creationTimestamp has whole seconds: the name's number breaks ties (fuel-9 before fuel-10, by
// length first).
bool isNewer(const api::ModelVersion& a, const api::ModelVersion& b) {
  if (a.meta.created != b.meta.created) return a.meta.created > b.meta.created;
  if (a.meta.name.size() != b.meta.name.size()) return a.meta.name.size() > b.meta.name.size();
  return a.meta.name > b.meta.name;
}

std::vector<const api::ModelVersion*> choosable(const Snapshot& snapshot,
                                                const api::ModelDeploymentStatus& status) {
  std::vector<const api::ModelVersion*> out;
  for (const auto& version : snapshot.versions) {
    if (isAvailable(*version) && !isRejected(status, version->meta.name))
      out.push_back(version.get());
  }
  std::sort(out.begin(), out.end(), [](const auto* a, const auto* b) { return isNewer(*a, *b); });
  std::int32_t left = std::max(1, snapshot.deployment->spec.revisionHistoryLimit);
  std::erase_if(out, [&](const auto* version) {
    const std::string& name = version->meta.name;
    const bool routed = std::any_of(
        status.routes.begin(), status.routes.end(),
        [&](const auto& route) { return name == route.version || name == route.target; });
    return left-- <= 0 && name != status.active && name != status.target && !routed &&
           !in(status.standby, name);
  });
  return out;
}

bool sameKind(const Snapshot& snapshot, const std::string& a, const std::string& b) {
  const auto first = snapshot.profiles.find(a), second = snapshot.profiles.find(b);
  if (first == snapshot.profiles.end() || second == snapshot.profiles.end()) return true;
  if (first->second->profile.basisId() != second->second->profile.basisId()) return true;
  return drift::matches(first->second->profile, second->second->profile,
                        policy(snapshot.deployment->spec));
}

drift::Policy policy(const api::ModelDeploymentSpec& spec) {
  drift::Policy out;
  if (!spec.drift) return out;
  out.minSamples = spec.drift->window.minSamples;
  // A switch costs nothing but the switch, and needs minSamples rows of evidence: only flapping
  // within seconds is held.
  out.cooldownMs = 5'000;
  if (const auto& retrain = spec.drift->onDrift.retrain) {
    out.retrainCooldownMs =
        parseDuration(retrain->cooldown).value_or(std::chrono::hours(6)).count();
  }
  return out;
}

}  // namespace reprise::serving
