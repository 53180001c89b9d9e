#include "serving/routing.h"

#include <algorithm>
#include <set>
#include <utility>

#include "api/labels.h"
#include "base/digest.h"
#include "serving/children.h"
#include "serving/decisions.h"
#include "serving/observe.h"
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

namespace {

bool mayAnswer(const std::vector<const api::ModelVersion*>& versions,
               const api::ModelDeploymentStatus& status, const std::string& name) {
  return name != status.active &&
         std::any_of(versions.begin(), versions.end(),
                     [&](const auto* one) { return one->meta.name == name; });
}

// The last thing that was done about the context: a training, if it is what the new version
// answers.
std::optional<Time> asked(const api::ModelDeploymentStatus& status, const std::string& context) {
  for (auto it = status.decisions.rbegin(); it != status.decisions.rend(); ++it) {
    if (it->context == context && it->action != "Reject")
      return it->action == "Retrain" ? it->driftSeen : std::nullopt;
  }
  return std::nullopt;
}

void promote(const Snapshot& snapshot, const api::ContextRoute& route,
             api::ModelDeploymentStatus& status, std::vector<api::EventDraft>& events) {
  api::DecisionRecord record;
  record.signal = record.reason = "NewVersion";
  record.action = "Promote";
  record.from = route.version;
  record.to = route.target;
  record.context = route.context;
  record.message = "context '" + route.context + "': it is the newest version for it";
  record.driftSeen = asked(status, route.context);
  decided(snapshot, status, std::move(record), events);
}

// `newest`: of the versions for this context.
api::ContextRoute routeOf(const Snapshot& snapshot, api::ModelDeploymentStatus& status,
                          const std::vector<const api::ModelVersion*>& versions,
                          const std::string& context, const api::ModelVersion& newest,
                          std::vector<api::EventDraft>& events) {
  const auto before = std::find_if(status.routes.begin(), status.routes.end(),
                                   [&](const auto& route) { return route.context == context; });
  if (before == status.routes.end() || !mayAnswer(versions, status, before->version))
    return {context, newest.meta.name, snapshot.now, {}, {}};
  api::ContextRoute out = *before;
  if (!mayAnswer(versions, status, out.target)) out.target.clear();
  const bool came = newest.meta.created && out.since && *newest.meta.created > *out.since;
  const std::string& name = newest.meta.name;
  if (came && name != out.version && name != out.target && mayAnswer(versions, status, name)) {
    out.target = name;
    promote(snapshot, out, status, events);
  }
  return out;
}

void takeOver(const Snapshot& snapshot, api::ContextRoute& route,
              api::ModelDeploymentStatus& status) {
  route.version = std::exchange(route.target, {});
  route.since = snapshot.now;
  route.drift.reset();  // it was about the version before
  for (auto it = status.decisions.rbegin(); it != status.decisions.rend(); ++it) {
    if (it->to != route.version || it->context != route.context) continue;
    if (it->driftSeen && it->blindSpot.empty())
      it->blindSpot = formatDuration(snapshot.now - *it->driftSeen);
    break;
  }
}

void giveUp(const Snapshot& snapshot, const Health& state, api::ContextRoute& route,
            api::ModelDeploymentStatus& status, std::vector<api::EventDraft>& events) {
  api::DecisionRecord record;
  record.signal = "Verification";
  record.action = "Reject";
  record.from = std::exchange(route.target, {});
  record.to = route.version;
  record.context = route.context;
  record.reason = state.reason;
  record.message = "context '" + route.context + "': " + record.from +
                   " was not ready to serve: " + state.message + "; " + route.version +
                   " goes on serving. Mend it and annotate with reprise.dev/retry=<any new value>";
  status.rejected.push_back(record.from);
  decided(snapshot, status, std::move(record), events);
}

void addOnce(std::vector<std::string>& names, const std::string& name) {
  if (!name.empty() && std::find(names.begin(), names.end(), name) == names.end())
    names.push_back(name);
}

}  // namespace

void chooseRoutes(const Snapshot& snapshot, api::ModelDeploymentStatus& status,
                  std::vector<api::EventDraft>& events) {
  std::vector<api::ContextRoute> next;
  if (routes(*snapshot.deployment) && !status.active.empty()) {
    std::set<std::string> done = {""};
    if (const auto* active = findVersion(snapshot, status.active))
      done.insert(contextOf(snapshot, *active));
    const auto versions = choosable(snapshot, status);  // newest first
    for (const auto* version : versions) {
      if (next.size() == kMaxRouted) break;
      const std::string context = contextOf(snapshot, *version);
      if (done.insert(context).second)
        next.push_back(routeOf(snapshot, status, versions, context, *version, events));
    }
  }
  status.routes = std::move(next);
  status.routed.clear();
  for (const auto& route : status.routes) {
    addOnce(status.routed, route.version);
    addOnce(status.routed, route.target);
  }
}

void advanceRoutes(const Snapshot& snapshot, api::ModelDeploymentStatus& status,
                   std::vector<api::EventDraft>& events) {
  for (auto& route : status.routes) {
    if (route.target.empty()) continue;
    const Health state = health(snapshot, route.target);
    if (state.state == Health::State::Ready) takeOver(snapshot, route, status);
    if (state.state == Health::State::Failed) giveUp(snapshot, state, route, status, events);
  }
}

bool isRouted(const api::ModelDeploymentStatus& status, const std::string& context) {
  return std::any_of(status.routes.begin(), status.routes.end(),
                     [&](const auto& route) { return route.context == context; });
}

std::map<std::string, std::string> routeTables(const Snapshot& snapshot) {
  std::map<std::string, std::string> out;
  if (!routes(*snapshot.deployment)) return out;
  const auto& status = snapshot.deployment->status;
  std::map<std::string, std::pair<std::string, std::vector<std::string>>> places;  // by context
  std::map<std::string, std::string> answers;  // by context: the version
  for (const auto& route : status.routes) answers[route.context] = route.version;
  if (const auto* active = findVersion(snapshot, status.active)) {
    if (const auto context = contextOf(snapshot, *active); !context.empty())
      answers[context] = status.active;
  }
  for (const auto& [context, name] : answers) {
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
