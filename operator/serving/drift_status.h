// What drift::decide() said, as a status and as a decision: of the active version (live.cpp) and of
// each route (route_drift.cpp) alike.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "api/plan.h"
#include "serving/snapshot.h"

namespace reprise::serving {

// Of `version`. `seen`: what was said of it before; `since`: when it took over. Actions count
// whatever they were about: there is one cool-down for the whole ModelDeployment.
drift::History historyOf(api::ModelDeploymentStatus& status, const std::string& version,
                         const std::optional<api::DriftStatus>& seen,
                         const std::optional<Time>& since);

api::DriftStatus describe(const drift::Decision& decision,
                          const std::optional<api::DriftStatus>& before, Time now);

// Numbers move with each window; they are written every few seconds, the answer whenever it
// changes. Looked at again, with nothing new seen, it stays as it is.
bool nothingToWrite(const api::DriftStatus& before, const api::DriftStatus& now);

// `from`: the version whose rows they are.
api::DecisionRecord recordOf(const drift::Decision& decision, const std::string& from,
                             const char* action);

// What is done instead of what was decided.
void hold(api::DriftStatus& seen, const std::string& reason, const std::string& message);

// Why there are no windows of `version`, where it is not that there were no requests.
std::optional<api::DriftStatus> monitorsUnread(const Snapshot& snapshot,
                                               const std::string& version);

// Rows that `version` answered since then: those of before, as a standby or for others, say nothing
// about now.
std::vector<drift::Window> windowsOf(const Snapshot& snapshot, const std::string& version,
                                     const std::optional<Time>& since);

// A version as decide() compares it; `context`: what it is for.
drift::Candidate candidateOf(const Snapshot& snapshot, const api::ModelVersion& version,
                             std::string context);

}  // namespace reprise::serving
