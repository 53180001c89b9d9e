#include "training/environment.h"

#include <algorithm>

#include "training/observe.h"
#include "training/run_job.h"
#include "training/versions.h"

namespace reprise::training {
namespace {

std::string joined(const std::vector<std::string>& parts, const char* separator) {
  std::string out;
  for (const auto& part : parts) out += (out.empty() ? "" : separator) + part;
  return out;
}

// What the candidate changed, as the steps saw it inside the container; where they got that far.
std::string whatChanged(const Snapshot& snapshot, const api::Run& run,
                        const api::EnvironmentStatus& env) {
  std::vector<std::string> parts;
  for (const auto& report : stepReports(snapshot, run.name)) {
    if (!report.changed.empty()) {
      parts = report.changed;
      break;
    }
  }
  if (env.candidateSpecHash != env.specHash) parts.push_back("spec changed");
  if (parts.empty() && env.candidate != env.image) parts.push_back("image digest, no package");
  return joined(parts, ", ");
}

std::string pythonOf(const Snapshot& snapshot, const api::Run& run) {
  for (const auto& report : stepReports(snapshot, run.name)) {
    if (!report.python.empty()) return report.python;
  }
  return {};
}

const api::Run* answerTo(const api::TrainingPipelineStatus& status,
                         const api::EnvironmentStatus& env) {
  const api::Run* answer = nullptr;
  for (const auto& run : status.runs) {
    if (run.trigger == "Change" && run.image == env.candidate &&
        run.specHash == env.candidateSpecHash)
      answer = &run;
  }
  return answer && finished(*answer) ? answer : nullptr;
}

void clearCandidate(api::EnvironmentStatus& env) {
  env.candidate.clear();
  env.candidateSpecHash.clear();
  env.candidateResult.clear();
  env.candidateMessage.clear();
}

}  // namespace

bool watches(const api::TrainingPipelineSpec& spec, const std::string& what) {
  if (!spec.triggers.change) return false;
  const auto& of = spec.triggers.change->of;
  return std::find(of.begin(), of.end(), what) != of.end();
}

std::optional<Change> change(const Snapshot& snapshot, const api::TrainingPipelineStatus& status) {
  if (!status.environment) return std::nullopt;
  const auto& spec = snapshot.pipeline->spec;
  const auto& env = *status.environment;
  Change out{env.image, specHash(spec)};
  out.specMoved = watches(spec, "Spec") && out.specHash != env.specHash;
  if (watches(spec, "Image") && snapshot.image && !snapshot.image->reference.empty() &&
      snapshot.image->reference != env.image) {
    out.imageMoved = true;
    out.image = snapshot.image->reference;
  }
  if (!out.imageMoved && !out.specMoved) return std::nullopt;
  return out;
}

bool imageKnown(const Snapshot& snapshot) {
  return !watches(snapshot.pipeline->spec, "Image") ||
         (snapshot.image && !snapshot.image->reference.empty());
}

std::optional<api::Run> conclude(const Snapshot& snapshot, api::TrainingPipelineStatus& status,
                                 std::vector<api::EventDraft>& events) {
  if (!status.environment || status.environment->candidateResult != "Checking") return std::nullopt;
  auto& env = *status.environment;
  const api::Run* answer = answerTo(status, env);
  if (!answer || (answer->phase == "Succeeded" && !imageKnown(snapshot))) return std::nullopt;
  const std::string changed = whatChanged(snapshot, *answer, env);
  env.checkedAt = snapshot.now;
  if (answer->phase == "Failed") {
    env.candidateResult = "Refused";
    env.candidateMessage = "changed: " + changed + "; failed: " + answer->message;
    events.push_back(
        {true, "EnvironmentRefused", env.candidateMessage + "; " + env.image + " stays in force"});
    return std::nullopt;
  }
  const auto wanted = change(snapshot, status);
  if (!wanted || wanted->image != env.candidate || wanted->specHash != env.candidateSpecHash) {
    events.push_back({false, "EnvironmentSuperseded",
                      "the check of " + env.candidate + " passed, but the tag or spec moved on"});
    clearCandidate(env);
    return std::nullopt;
  }
  env.image = env.candidate;
  env.specHash = env.candidateSpecHash;
  env.python = pythonOf(snapshot, *answer);
  env.packages.clear();
  env.result = "Passed";
  clearCandidate(env);
  events.push_back({false, "EnvironmentAdopted", "changed: " + changed + "; " + answer->message});
  if (answer->purpose != "Check") return std::nullopt;  // the training itself was the check
  api::Run next;
  next.purpose = "Train";
  next.trigger = "Change";
  next.triggerId = "adopted/" + answer->name;
  next.image = env.image;
  next.specHash = env.specHash;
  return next;
}

void describeInForce(const Snapshot& snapshot, api::TrainingPipelineStatus& status) {
  if (!status.environment) return;
  for (const auto& version : snapshot.versions) {
    const auto& recorded = version->spec.environment;
    if (recorded.image != status.environment->image) continue;
    status.environment->python = recorded.python;
    status.environment->packages = recorded.packages;
    return;
  }
}

}  // namespace reprise::training
