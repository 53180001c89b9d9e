// The environment in force, and a new one on its way in: CI and CD of Level 2.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "api/plan.h"
#include "api/training_pipeline.h"
#include "training/snapshot.h"

namespace reprise::training {

// What differs from what is in force, and is watched by spec.triggers.change.of.
struct Change {
  std::string image;  // the candidate's digest
  std::string specHash;
  bool imageMoved = false, specMoved = false;
};
std::optional<Change> change(const Snapshot& snapshot, const api::TrainingPipelineStatus& status);

// Whether the digest of the tag is known, where it is watched. After a restart it is not for a
// while: then nothing can be said of a candidate, and what was refused must not be forgotten and
// checked again.
bool imageKnown(const Snapshot& snapshot);

// Takes the answer of a finished run about the candidate: adopts it, or refuses it and says what
// changed and what failed. Returns the run that trains on an adopted environment, if one is owed.
// Events say what happened.
std::optional<api::Run> conclude(const Snapshot& snapshot, api::TrainingPipelineStatus& status,
                                 std::vector<api::EventDraft>& events);

// Fills python and packages of the environment in force from a version that was trained in it.
void describeInForce(const Snapshot& snapshot, api::TrainingPipelineStatus& status);

bool watches(const api::TrainingPipelineSpec& spec, const std::string& what);  // "Image", "Spec"

}  // namespace reprise::training
