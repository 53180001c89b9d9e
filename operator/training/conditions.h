// What the status says to people and to kubectl wait.
#pragma once

#include <string>

#include "api/training_pipeline.h"
#include "training/snapshot.h"

namespace reprise::training {

void setConditions(const Snapshot& snapshot, api::TrainingPipelineStatus& status);

// For a spec that no run can be made of: Ready=False, Stalled=True.
void setInvalid(const Snapshot& snapshot, api::TrainingPipelineStatus& status,
                const std::string& message);

}  // namespace reprise::training
