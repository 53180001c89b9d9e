// Routing by context: requests that name their kind of data go to the version that was made for it.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "serving/snapshot.h"

namespace reprise::serving {

inline constexpr std::size_t kMaxRouted = 8;  // versions beside the active one, the newest first

bool routes(const api::ModelDeployment& deployment);

// What the version is for, by the key of spec.routing.byContext; "": for any kind of data.
std::string contextOf(const Snapshot& snapshot, const api::ModelVersion& version);

// As a run or a version carries it: {key: value}; empty where `value` is, or nothing is routed.
std::map<std::string, std::string> namedContext(const Snapshot& snapshot, const std::string& value);

// The newest version of each context that may be chosen; not the active one.
std::vector<std::string> routedVersions(const Snapshot& snapshot,
                                        const api::ModelDeploymentStatus& status);

// The body of POST /routes for each Pod, by its uid: where requests of a context go that is not its
// own version's. A Pod of several replicas is one of that version's that are ready, others for
// others. Empty where nothing is routed.
std::map<std::string, std::string> routeTables(const Snapshot& snapshot);

// What a monitor asks of who sets its routes: known to those who may read the Pods, and to nobody
// else on the network.
std::string routesToken(const api::ModelDeployment& deployment);

}  // namespace reprise::serving
