// Which version is to take over, apart from what live data says.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "api/plan.h"
#include "serving/snapshot.h"

namespace reprise::serving {

// Why no version can be chosen, for the condition Stalled.
struct Blocked {
  std::string reason, message;
};

// Sets status.target where spec.version.name, the first deployment, or a new version asks for it.
std::optional<Blocked> choose(const Snapshot& snapshot, api::ModelDeploymentStatus& status,
                              std::vector<api::EventDraft>& events);

}  // namespace reprise::serving
