#include "training/conditions.h"

#include "api/conditions.h"
#include "training/observe.h"

namespace reprise::training {
namespace {

struct Verdict {
  const char* status;
  std::string reason, message;
};

void set(const Snapshot& snapshot, api::TrainingPipelineStatus& status, const char* type,
         Verdict verdict) {
  api::setCondition(status.conditions,
                    {type, verdict.status, std::move(verdict.reason), std::move(verdict.message),
                     std::nullopt, snapshot.pipeline->meta.generation},
                    snapshot.now);
}

const api::Run* activeRun(const api::TrainingPipelineStatus& status) {
  for (const auto& run : status.runs) {
    if (!finished(run)) return &run;
  }
  return nullptr;
}

const api::Run* lastTraining(const api::TrainingPipelineStatus& status) {
  for (auto it = status.runs.rbegin(); it != status.runs.rend(); ++it) {
    if (it->purpose == "Train" && finished(*it)) return &*it;
  }
  return nullptr;
}

bool unresolved(const Snapshot& snapshot) {
  return snapshot.image && snapshot.image->reference.empty();
}

// The run's own reason stands before its first colon: "StepFailed: train exited …".
std::string reasonOf(const std::string& message) {
  const auto colon = message.find(':');
  const std::string head = message.substr(0, colon);
  if (colon == std::string::npos || head.empty() || head.find(' ') != std::string::npos)
    return "RunFailed";
  return head;
}

Verdict ready(const Snapshot& snapshot, const api::TrainingPipelineStatus& status) {
  if (!status.latestVersion.empty())
    return {"True", "VersionRecorded", "the newest version is " + status.latestVersion};
  if (unresolved(snapshot)) return {"False", snapshot.image->reason, snapshot.image->message};
  if (activeRun(status)) return {"False", "Training", "the first version is being trained"};
  if (const auto* last = lastTraining(status); last && last->phase == "Failed") {
    return {"False", reasonOf(last->message), "run " + last->name + " failed: " + last->message};
  }
  if (snapshot.pipeline->spec.suspend)
    return {"False", "Suspended", "spec.suspend is true: set it to false to train"};
  return {"False", "Waiting", "the image's digest is being looked up"};
}

Verdict reconciling(const Snapshot& snapshot, const api::TrainingPipelineStatus& status) {
  const auto* run = activeRun(status);
  if (!run) return {"False", "Idle", "no run is under way"};
  std::string message = "run " + run->name + " (" + run->trigger + ") is " +
                        (run->phase == "Pending" ? "about to start" : "running");
  if (const auto stuck = obstacle(snapshot, run->name))
    return {"True", stuck->reason, message + ", but " + stuck->message};
  return {"True", run->purpose == "Check" ? "Checking" : "Training", message};
}

Verdict stalled(const Snapshot& snapshot, const api::TrainingPipelineStatus& status) {
  if (const auto* run = activeRun(status)) {
    if (const auto stuck = obstacle(snapshot, run->name))
      return {"True", stuck->reason, stuck->message};
    return {"False", "Progressing", "run " + run->name + " is under way"};
  }
  if (unresolved(snapshot)) return {"True", snapshot.image->reason, snapshot.image->message};
  if (const auto* last = lastTraining(status); last && last->phase == "Failed") {
    return {"True", reasonOf(last->message),
            "run " + last->name + " failed: " + last->message +
                "; mend it and change the image or the spec, or annotate the pipeline with "
                "reprise.dev/run-at=<any new value>"};
  }
  return {"False", "Idle", "nothing is in the way"};
}

Verdict environment(const api::TrainingPipelineStatus& status) {
  if (!status.environment) return {"Unknown", "NotResolved", "no run has been decided yet"};
  const auto& env = *status.environment;
  if (env.candidateResult == "Checking")
    return {"Unknown", "Checking",
            env.candidate + " is being checked; " + env.image + " stays in force"};
  if (env.candidateResult == "Refused")
    return {"False", "Refused",
            env.candidate + " was refused. " + env.candidateMessage + ". " + env.image +
                " stays in force; push a mended image, or annotate the pipeline with "
                "reprise.dev/retry=<any new value>"};
  return {"True", "InForce", env.image + " is in force"};
}

}  // namespace

void setConditions(const Snapshot& snapshot, api::TrainingPipelineStatus& status) {
  set(snapshot, status, "Ready", ready(snapshot, status));
  set(snapshot, status, "Reconciling", reconciling(snapshot, status));
  set(snapshot, status, "Stalled", stalled(snapshot, status));
  set(snapshot, status, "EnvironmentAccepted", environment(status));
}

void setInvalid(const Snapshot& snapshot, api::TrainingPipelineStatus& status,
                const std::string& message) {
  set(snapshot, status, "Ready", {"False", "InvalidSpec", message});
  set(snapshot, status, "Reconciling",
      {"False", "InvalidSpec", "nothing is done before the spec is mended"});
  set(snapshot, status, "Stalled", {"True", "InvalidSpec", message});
}

}  // namespace reprise::training
