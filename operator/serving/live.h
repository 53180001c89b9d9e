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

// The pipeline that was asked for a run, and that run of it; nullptr where there is none (any
// more).
const api::TrainingPipeline* askedPipeline(const Snapshot& snapshot,
                                           const api::ModelDeploymentStatus& status);
const api::Run* askedRun(const api::TrainingPipeline& pipeline,
                         const api::ModelDeploymentStatus& status);

// Follows the run that drift asked for: names it, and gives up on it when it failed, or what it
// made will not be served.
void followRetrain(const Snapshot& snapshot, api::ModelDeploymentStatus& status,
                   std::vector<api::EventDraft>& events);

// What watchLive looks at, for signals from outside (outside.cpp): rows that status.active
// answered, and the versions that they may be compared with.
std::vector<drift::Window> liveWindows(const Snapshot& snapshot,
                                       const api::ModelDeploymentStatus& status);
std::vector<drift::Candidate> keptVersions(const Snapshot& snapshot,
                                           const api::ModelDeploymentStatus& status);

// Why no run may be asked for, as a reason and a sentence; nothing where one may be.
struct Refusal {
  std::string reason, message;
};
std::optional<Refusal> cannotRetrain(const Snapshot& snapshot);

// Writes down a decision Retrain and the request for a run, about data of a context where it is
// named. Only where cannotRetrain has nothing to say and none is pending.
void requestRun(const Snapshot& snapshot, api::ModelDeploymentStatus& status,
                api::DecisionRecord record, std::map<std::string, std::string> ofContext,
                std::vector<api::EventDraft>& events);

// The same for what decide() answered, or says in `seen` why not. `scoring`: versions that are
// waited for first.
void askForRetrain(const Snapshot& snapshot, api::ModelDeploymentStatus& status,
                   api::DriftStatus& seen, api::DecisionRecord record,
                   std::map<std::string, std::string> ofContext,
                   std::vector<api::EventDraft>& events,
                   const std::optional<std::string>& scoring = {});

// Whether the run that drift asked for made this version.
bool answersRetrain(const api::ModelDeploymentStatus& status, const api::ModelVersion& version);
bool answersRetrain(const Snapshot& snapshot, const api::ModelDeploymentStatus& status,
                    const std::string& name);

// The pipeline that spec.drift.onDrift.retrain names; nullptr if it is not there.
const api::TrainingPipeline* retrainPipeline(const Snapshot& snapshot);

}  // namespace reprise::serving
