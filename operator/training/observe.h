// What became of the runs: phases from Jobs, Pods and versions.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "api/training_pipeline.h"
#include "training/snapshot.h"

namespace reprise::training {

// The end that a container of a run wrote to its termination log (see agent/termination.h).
struct StepReport {
  std::string container, reason, message;
  std::string python;                // of the image, where the step saw it
  std::vector<std::string> changed;  // "numpy 1.26.4 → 2.2.0", against the environment in force
  std::map<std::string, std::string> metrics;  // of verify
};

// Reports of the newest Pod of a Job, in the order of its containers.
std::vector<StepReport> stepReports(const Snapshot& snapshot, const std::string& job);

// `run` as it is now: phase, times, version, message.
api::Run observed(const Snapshot& snapshot, api::Run run);

// Why a Pod of an unfinished run does not get on (image cannot be pulled, cannot be scheduled, a
// volume is missing), as {reason, message}.
struct Obstacle {
  std::string reason, message;
};
std::optional<Obstacle> obstacle(const Snapshot& snapshot, const std::string& job);

inline bool finished(const api::Run& run) {
  return run.phase == "Succeeded" || run.phase == "Failed";
}

}  // namespace reprise::training
