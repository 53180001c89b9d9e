// The environment in force, and a new one on its way in: CI and CD of Level 2.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "api/plan.h"
#include "api/training_pipeline.h"
#include "training/snapshot.h"

namespace reprise::training {

// What differs from what is in force, and is watched by spec.triggers.change.on.
struct Change {
  std::string image;        // the candidate's digest
  std::string specHash;
  bool imageMoved = false, specMoved = false;
};
std::optional<Change> change(const Snapshot& snapshot, const api::TrainingPipelineStatus& status);

// Takes the answer of a finished run about the candidate: adopts it, or refuses it and says what changed and
// what failed. Returns the run that trains on an adopted environment, if one is owed. Events say what happened.
std::optional<api::Run> conclude(const Snapshot& snapshot, api::TrainingPipelineStatus& status,
                                 std::vector<api::EventDraft>& events);

// Fills python and packages of the environment in force from a version that was trained in it.
void describeInForce(const Snapshot& snapshot, api::TrainingPipelineStatus& status);

bool watches(const api::TrainingPipelineSpec& spec, const std::string& what);   // "Image", "Spec"

}  // namespace reprise::training
