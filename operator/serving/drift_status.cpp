#include "serving/drift_status.h"

#include <algorithm>
#include <cstdlib>

#include "api/labels.h"
#include "serving/decisions.h"
#include "serving/versions.h"

namespace reprise::serving {
namespace {

constexpr auto kRefresh = std::chrono::seconds(5);

std::int64_t ms(Time time) { return time.time_since_epoch().count(); }

bool sameNearest(const std::optional<api::NearestVersion>& a,
                 const std::optional<api::NearestVersion>& b) {
  return a.has_value() == b.has_value() &&
         (!a || (a->version == b->version && a->distance == b->distance));
}

bool sameButTime(const api::DriftStatus& a, const api::DriftStatus& b) {
  return a.score == b.score && a.action == b.action && a.reason == b.reason &&
         a.message == b.message && a.samples == b.samples && a.tolerance == b.tolerance &&
         a.error == b.error && a.referenceError == b.referenceError && a.labels == b.labels &&
         sameNearest(a.nearest, b.nearest) && sameNearest(a.second, b.second);
}

}  // namespace

drift::History historyOf(api::ModelDeploymentStatus& status, const std::string& version,
                         const std::optional<api::DriftStatus>& seen,
                         const std::optional<Time>& since) {
  drift::History out;
  if (const auto* last = lastDecision(status, {"Switch", "Retrain"}); last && last->time)
    out.lastActionMs = ms(*last->time);
  if (const auto* last = lastDecision(status, {"Retrain"}); last && last->time)
    out.lastRetrainMs = ms(*last->time);
  if (seen && !seen->tolerance.empty()) out.learnedTolerance = std::atof(seen->tolerance.c_str());
  out.refused = status.rejected;
  if (since) out.activeSinceMs = ms(*since);
  const auto chosen = std::find_if(status.decisions.rbegin(), status.decisions.rend(),
                                   [&](const auto& one) { return one.to == version; });
  if (chosen != status.decisions.rend() && chosen->driftSeen)
    out.changedMs = ms(*chosen->driftSeen);
  return out;
}

api::DriftStatus describe(const drift::Decision& decision,
                          const std::optional<api::DriftStatus>& before, Time now) {
  api::DriftStatus out;
  out.score = decimal(decision.score);
  out.action = drift::to_string(decision.action);
  out.reason = decision.reason;
  out.message = decision.message;
  if (!decision.nearest.empty()) out.nearest = {decision.nearest, decimal(decision.distance)};
  if (!decision.second.empty())
    out.second = {decision.second, decimal(decision.distance + decision.margin)};
  out.samples = decision.samples;
  if (decision.error) {
    out.error = decimal(*decision.error);
    out.labels = decision.labels;
  }
  if (decision.referenceError) out.referenceError = decimal(*decision.referenceError);
  if (decision.learnedTolerance)
    out.tolerance = decimal(*decision.learnedTolerance);
  else if (before)
    out.tolerance = before->tolerance;
  out.updated = now;
  return out;
}

bool nothingToWrite(const api::DriftStatus& before, const api::DriftStatus& now) {
  const bool sameAnswer = before.action == now.action && before.reason == now.reason &&
                          before.tolerance == now.tolerance;
  return sameButTime(before, now) ||
         (sameAnswer && before.updated && *now.updated - *before.updated < kRefresh);
}

api::DecisionRecord recordOf(const drift::Decision& decision, const std::string& from,
                             const char* action) {
  api::DecisionRecord out;
  out.signal = "Drift";
  out.action = action;
  out.from = from;
  out.distance = decimal(decision.distance);
  out.margin = decimal(decision.margin);
  out.reason = decision.reason;
  out.message = decision.message;
  if (decision.firstDriftedMs) out.driftSeen = Time{Milliseconds{*decision.firstDriftedMs}};
  return out;
}

void hold(api::DriftStatus& seen, const std::string& reason, const std::string& message) {
  seen.action = "Hold";
  seen.reason = reason;
  seen.message = message;
}

std::optional<api::DriftStatus> monitorsUnread(const Snapshot& snapshot,
                                               const std::string& version) {
  for (const auto& pod : snapshot.pods) {
    const auto fact = snapshot.monitors.find(pod->meta.name);
    if (fact == snapshot.monitors.end() || fact->second.problem.empty() || !pod->ready ||
        pod->meta.label(api::kVersionLabel) != version)
      continue;
    api::DriftStatus out;
    out.action = "Hold";
    out.reason = "MonitorUnreachable";
    out.message = "the monitor of Pod " + pod->meta.name +
                  " could not be read: " + fact->second.problem +
                  "; a NetworkPolicy must let the operator reach port 9091 of the Pods";
    out.updated = snapshot.now;
    return out;
  }
  return std::nullopt;
}

std::vector<drift::Window> windowsOf(const Snapshot& snapshot, const std::string& version,
                                     const std::optional<Time>& since) {
  std::vector<drift::Window> out;
  const std::int64_t sinceMs = since ? ms(*since) : 0;
  std::optional<Milliseconds> maxAge;
  if (auto age = parseDuration(snapshot.deployment->spec.drift->window.maxAge)) maxAge = *age;
  for (const auto& window : snapshot.windows) {
    if (window.servedVersion != version || window.firstMs < sinceMs) continue;
    if (maxAge && window.lastMs < ms(snapshot.now) - maxAge->count()) continue;
    out.push_back(window);
  }
  return out;
}

drift::Candidate candidateOf(const Snapshot& snapshot, const api::ModelVersion& version,
                             std::string context) {
  const auto profile = snapshot.profiles.find(version.meta.name);
  return {version.meta.name,
          profile == snapshot.profiles.end() ? nullptr : &profile->second->profile,
          version.meta.created ? ms(*version.meta.created) : 0, std::move(context),
          referenceError(version)};
}

}  // namespace reprise::serving
