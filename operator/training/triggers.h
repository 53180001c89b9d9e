// Who asks for a run, and whether it may start.
#pragma once

#include <optional>
#include <string>

#include "api/training_pipeline.h"
#include "training/snapshot.h"

namespace reprise::training {

struct Asked {
  std::optional<api::Run> run;            // without name and number: the plan gives them
  std::string runAt, retry;               // tokens of commands that are handled with it
  std::optional<Milliseconds> lookAgain;  // something asks, but has to wait that long
};

// The most urgent request that no run answers yet: a command, the first training, drift, a change.
// Reads `status` as it will be written; may note a candidate environment in it.
Asked asked(const Snapshot& snapshot, api::TrainingPipelineStatus& status);

}  // namespace reprise::training
