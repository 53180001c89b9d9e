#include "training/triggers.h"

#include <algorithm>

#include "api/labels.h"
#include "training/environment.h"
#include "training/observe.h"
#include "training/run_job.h"

namespace reprise::training {
namespace {

bool answered(const api::TrainingPipelineStatus& status, const std::string& triggerId) {
  return std::any_of(status.runs.begin(), status.runs.end(),
                     [&](const api::Run& run) { return run.triggerId == triggerId; });
}

bool busy(const api::TrainingPipelineStatus& status, const std::string& purpose) {
  return std::any_of(status.runs.begin(), status.runs.end(),
                     [&](const api::Run& run) { return run.purpose == purpose && !finished(run); });
}

// The image of a run that is not about a change: what is in force, or the tag as it is now where
// nobody watches it.
std::string currentImage(const Snapshot& snapshot, const api::TrainingPipelineStatus& status) {
  const bool resolved = snapshot.image && !snapshot.image->reference.empty();
  if (status.environment && (watches(snapshot.pipeline->spec, "Image") || !resolved))
    return status.environment->image;
  return resolved ? snapshot.image->reference : std::string();
}

api::Run train(const Snapshot& snapshot, const api::TrainingPipelineStatus& status,
               std::string trigger, std::string id) {
  api::Run run;
  run.purpose = "Train";
  run.trigger = std::move(trigger);
  run.triggerId = std::move(id);
  run.image = currentImage(snapshot, status);
  run.specHash = specHash(snapshot.pipeline->spec);
  return run;
}

std::optional<api::Run> command(const Snapshot& snapshot,
                                const api::TrainingPipelineStatus& status) {
  const std::string token = snapshot.pipeline->meta.annotation(api::kRunAtAnnotation);
  if (token.empty() || token == status.handledRunAt) return std::nullopt;
  return train(snapshot, status, "Manual", "run-at/" + token);
}

// What the first run of all is decided with is in force from then on, whoever asked for it:
// without, no change of image or spec would ever be seen.
void putInForce(const Snapshot& snapshot, api::TrainingPipelineStatus& status,
                const api::Run& run) {
  if (status.environment) return;
  api::EnvironmentStatus env;
  env.image = run.image;
  env.specHash = run.specHash;
  env.result = "Initial";
  env.checkedAt = snapshot.now;
  status.environment = env;
}

// Until a first version is there, each new image or spec is tried: there is nothing in force to
// protect.
std::optional<api::Run> first(const Snapshot& snapshot, api::TrainingPipelineStatus& status,
                              const std::string& retry) {
  if (!status.latestVersion.empty() || !snapshot.image || snapshot.image->reference.empty())
    return std::nullopt;
  const std::string hash = specHash(snapshot.pipeline->spec);
  const std::string& image = snapshot.image->reference;
  const std::string id = "initial/" + image.substr(image.rfind(':') + 1).substr(0, 16) + "/" +
                         hash.substr(0, 16) + (retry.empty() ? "" : "/" + retry);
  if (answered(status, id)) return std::nullopt;
  api::EnvironmentStatus env;
  env.image = image;
  env.specHash = hash;
  env.result = "Initial";
  env.checkedAt = snapshot.now;
  status.environment = env;
  api::Run run = train(snapshot, status, "Initial", id);
  run.image = image;
  return run;
}

std::optional<api::Run> drift(const Snapshot& snapshot, const api::TrainingPipelineStatus& status,
                              std::optional<Milliseconds>& wait) {
  const auto& pipeline = *snapshot.pipeline;
  if (!pipeline.spec.triggers.drift) return std::nullopt;
  const Milliseconds cooldown =
      parseDuration(pipeline.spec.triggers.drift->cooldown).value_or(std::chrono::hours(6));
  for (const auto& deployment : snapshot.deployments) {
    const auto& request = deployment->status.retrain;
    if (!request || request->pipeline != pipeline.meta.name || answered(status, request->id))
      continue;
    std::optional<Time> last;
    for (const auto& run : status.runs) {
      if (run.trigger == "Drift" && run.startTime && (!last || *run.startTime > *last))
        last = run.startTime;
    }
    if (last && *last + cooldown > snapshot.now) {
      wait = *last + cooldown - snapshot.now;
      continue;
    }
    auto run = train(snapshot, status, "Drift", request->id);
    run.context = request->context;
    return run;
  }
  return std::nullopt;
}

std::optional<api::Run> changed(const Snapshot& snapshot, api::TrainingPipelineStatus& status,
                                bool retry) {
  if (!status.environment || status.latestVersion.empty() || !imageKnown(snapshot))
    return std::nullopt;
  auto& env = *status.environment;
  const auto moved = change(snapshot, status);
  if (!moved) {  // the tag is back at what is in force: there is no candidate any more
    if (env.candidateResult == "Refused")
      env.candidate = env.candidateSpecHash = env.candidateResult = env.candidateMessage = "";
    return std::nullopt;
  }
  const bool known = env.candidate == moved->image && env.candidateSpecHash == moved->specHash;
  if (known && (env.candidateResult == "Checking" || (env.candidateResult == "Refused" && !retry)))
    return std::nullopt;
  const std::string purpose = snapshot.pipeline->spec.check ? "Check" : "Train";
  if (busy(status, purpose)) return std::nullopt;
  env.candidate = moved->image;
  env.candidateSpecHash = moved->specHash;
  env.candidateResult = "Checking";
  env.candidateMessage.clear();
  api::Run run;
  run.purpose = purpose;
  run.trigger = "Change";
  run.image = moved->image;
  run.specHash = moved->specHash;
  run.triggerId = "change/" + std::to_string(purpose == "Check" ? status.nextCheckNumber
                                                                : status.nextRunNumber);
  return run;
}

}  // namespace

Asked asked(const Snapshot& snapshot, api::TrainingPipelineStatus& status) {
  Asked out;
  const auto& meta = snapshot.pipeline->meta;
  if (snapshot.pipeline->spec.suspend) return out;
  const std::string retry = meta.annotation(api::kRetryAnnotation);
  const bool retryNow = !retry.empty() && retry != status.handledRetry;
  if (!busy(status, "Train")) {
    out.run = command(snapshot, status);
    if (out.run) out.runAt = meta.annotation(api::kRunAtAnnotation);
    if (!out.run) out.run = first(snapshot, status, retry);
    if (!out.run) out.run = drift(snapshot, status, out.lookAgain);
    if (out.run && out.run->image.empty())
      out.run.reset();  // the tag is not resolved yet; the condition says so
    if (out.run) putInForce(snapshot, status, *out.run);
  }
  if (!out.run) out.run = changed(snapshot, status, retryNow);
  if (out.run && retryNow) out.retry = retry;
  return out;
}

}  // namespace reprise::training
