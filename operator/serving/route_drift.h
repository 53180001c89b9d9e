// Drift within a routed context: the rows that name it are answered by its own version, and say
// nothing about what others serve.
#pragma once

#include <vector>

#include "api/plan.h"
#include "serving/snapshot.h"

namespace reprise::serving {

// Looks at the rows of each route, by the same decide() as those of the active version, and notes
// what was seen in its `drift`. Switch sets the route's target, to another version of that context
// or one for any; Retrain sets status.retrain, with the context in it. Not while anything is being
// made ready, and in the one cool-down of the ModelDeployment.
void watchRoutes(const Snapshot& snapshot, api::ModelDeploymentStatus& status,
                 std::vector<api::EventDraft>& events);

}  // namespace reprise::serving
