// What the live requests say: drift, and what to do about it.
#pragma once

#include <vector>

#include "api/plan.h"
#include "serving/snapshot.h"

namespace reprise::serving {

// Looks at the requests that `status.active` answered. Notes what was seen in status.drift, and
// decides: Switch sets status.target, Retrain sets status.retrain. Does nothing where spec.drift is
// left out, or nothing is active yet.
void watchLive(const Snapshot& snapshot, api::ModelDeploymentStatus& status,
               std::vector<api::EventDraft>& events);

// Follows the run that drift asked for: names it, and gives up on it when it failed.
void followRetrain(const Snapshot& snapshot, api::ModelDeploymentStatus& status,
                   std::vector<api::EventDraft>& events);

// The pipeline that spec.drift.onDrift.retrain names; nullptr if it is not there.
const api::TrainingPipeline* retrainPipeline(const Snapshot& snapshot);

}  // namespace reprise::serving
