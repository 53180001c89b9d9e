// Routing by context: requests that name their kind of data go to the version that was made for it.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "api/plan.h"
#include "serving/snapshot.h"

namespace reprise::serving {

inline constexpr std::size_t kMaxRouted = 8;  // versions beside the active one, the newest first

bool routes(const api::ModelDeployment& deployment);

// What the version is for, by the key of spec.routing.byContext; "": for any kind of data.
std::string contextOf(const Snapshot& snapshot, const api::ModelVersion& version);

// As a run or a version carries it: {key: value}; empty where `value` is, or nothing is routed.
std::map<std::string, std::string> namedContext(const Snapshot& snapshot, const std::string& value);

// Sets status.routes and status.routed: a route for each context that a version may be chosen for
// and the active one is not. It leads to the newest version of the context, until drift in its rows
// chooses another one; a version that came since then is the next target.
void chooseRoutes(const Snapshot& snapshot, api::ModelDeploymentStatus& status,
                  std::vector<api::EventDraft>& events);

// A route's target takes over as soon as it is ready; one that failed is given up.
void advanceRoutes(const Snapshot& snapshot, api::ModelDeploymentStatus& status,
                   std::vector<api::EventDraft>& events);

bool isRouted(const api::ModelDeploymentStatus& status, const std::string& context);

// The body of POST /routes for each Pod, by its uid: where requests of a context go that is not its
// own version's. A Pod of several replicas is one of that version's that are ready, others for
// others. Empty where nothing is routed.
std::map<std::string, std::string> routeTables(const Snapshot& snapshot);

// What a monitor asks of who sets its routes: known to those who may read the Pods, and to nobody
// else on the network.
std::string routesToken(const api::ModelDeployment& deployment);

}  // namespace reprise::serving
