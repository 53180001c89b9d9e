#include "serving/route_drift.h"

#include <algorithm>

#include "drift/context.h"
#include "serving/decisions.h"
#include "serving/drift_status.h"
#include "serving/live.h"
#include "serving/routing.h"
#include "serving/versions.h"

namespace reprise::serving {
namespace {

using Action = drift::Decision::Action;

// A version that is for any context may answer several: a window of more than one tells nothing.
std::vector<drift::Window> rowsOf(const Snapshot& snapshot, const api::ContextRoute& route) {
  auto out = windowsOf(snapshot, route.version, route.since);
  std::erase_if(out, [&](const auto& window) { return drift::nameOf(window) != route.context; });
  return out;
}

// All rows are of the context: so its versions, and those for any, differ by statistics alone.
// Not the active one: of what it answers anyway, the rows of one context could not be told.
std::vector<drift::Candidate> candidatesOf(const Snapshot& snapshot,
                                           const api::ModelDeploymentStatus& status,
                                           const api::ContextRoute& route) {
  const auto& spec = snapshot.deployment->spec;
  const bool mayChoose = spec.version.auto_ && spec.drift->onDrift.switch_;
  std::vector<drift::Candidate> out;
  for (const auto* version : choosable(snapshot, status)) {
    const std::string& name = version->meta.name;
    const std::string context = contextOf(snapshot, *version);
    const bool fits = context.empty() || context == route.context;
    if (name == route.version || (mayChoose && fits && name != status.active))
      out.push_back(candidateOf(snapshot, *version, {}));
  }
  return out;
}

// Labels carry no context: they are of this one where its version answers no other.
std::vector<drift::LabelBlock> labelsOf(const Snapshot& snapshot,
                                        const api::ModelDeploymentStatus& status,
                                        const api::ContextRoute& route) {
  const auto sharing = std::count_if(status.routes.begin(), status.routes.end(),
                                     [&](const auto& one) { return one.version == route.version; });
  return sharing == 1 ? snapshot.labels : std::vector<drift::LabelBlock>();
}

bool anythingUnderWay(const api::ModelDeploymentStatus& status) {
  return !status.target.empty() ||
         std::any_of(status.routes.begin(), status.routes.end(),
                     [](const auto& route) { return !route.target.empty(); });
}

void act(const Snapshot& snapshot, const drift::Decision& decision, api::ContextRoute& route,
         api::ModelDeploymentStatus& status, std::vector<api::EventDraft>& events) {
  if (snapshot.deployment->spec.paused || anythingUnderWay(status)) return;
  const auto entry = [&](const char* action) {
    auto out = recordOf(decision, route.version, action);
    out.context = route.context;
    out.message = "context '" + route.context + "': " + out.message;
    return out;
  };
  if (decision.action == Action::Switch) {
    // the request itself is closed where new versions are looked at (choose.cpp)
    const bool asked = answersRetrain(snapshot, status, decision.version);
    auto record = entry(asked ? "Promote" : "Switch");
    record.to = decision.version;
    if (const auto* run = asked ? lastDecision(status, {"Retrain"}) : nullptr)
      record.driftSeen = run->driftSeen;
    decided(snapshot, status, std::move(record), events);
    route.target = decision.version;
  } else if (decision.action == Action::Retrain) {
    askForRetrain(snapshot, status, *route.drift, entry("Retrain"),
                  namedContext(snapshot, route.context), events);
  }
}

void watch(const Snapshot& snapshot, api::ModelDeploymentStatus& status, api::ContextRoute& route,
           std::vector<api::EventDraft>& events) {
  const auto windows = rowsOf(snapshot, route);
  if (windows.empty()) {  // what was said last still stands
    if (!route.drift) route.drift = monitorsUnread(snapshot, route.version);
    return;
  }
  const auto decision = drift::decide(
      windows, candidatesOf(snapshot, status, route), route.version,
      policy(snapshot.deployment->spec), historyOf(status, route.version, route.drift, route.since),
      snapshot.now.time_since_epoch().count(), labelsOf(snapshot, status, route));
  const auto before = route.drift;
  route.drift = describe(decision, before, snapshot.now);
  act(snapshot, decision, route, status, events);
  if (before && nothingToWrite(*before, *route.drift)) route.drift = before;
}

}  // namespace

void watchRoutes(const Snapshot& snapshot, api::ModelDeploymentStatus& status,
                 std::vector<api::EventDraft>& events) {
  const auto& drift = snapshot.deployment->spec.drift;
  for (auto& route : status.routes) {
    if (drift && drift->source.monitor)
      watch(snapshot, status, route, events);
    else
      route.drift.reset();
  }
}

}  // namespace reprise::serving
