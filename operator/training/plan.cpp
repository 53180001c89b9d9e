#include "training/plan.h"

#include <algorithm>
#include <set>

#include "api/codec.h"
#include "training/conditions.h"
#include "training/environment.h"
#include "training/observe.h"
#include "training/run_job.h"
#include "training/triggers.h"
#include "training/versions.h"

namespace reprise::training {
namespace {

// What the schema cannot see. The schema's own rules are not repeated here.
std::optional<std::string> invalid(const api::TrainingPipelineSpec& spec) {
  if (spec.environment.image.empty())
    return "spec.environment.image: name the training image, e.g. registry/fuel:1.4";
  if (spec.train.command.empty())
    return "spec.train.command: say what trains the model, e.g. [python, train.py]";
  if (!spec.artifact.store.persistentVolumeClaim) {
    return "spec.artifact.store.persistentVolumeClaim.claimName: name the claim that keeps the "
           "models";
  }
  if (auto bad = pods::badPodTemplate(spec.template_, "spec.template")) return bad;
  return std::nullopt;
}

api::EventDraft ended(const api::Run& run) {
  const bool failed = run.phase == "Failed";
  const std::string kind = run.purpose == "Check" ? "Check" : "Run";
  return {failed, kind + (failed ? "Failed" : "Succeeded"),
          run.name + " (" + run.trigger + "): " + run.message};
}

void observeRuns(const Snapshot& snapshot, api::TrainingPipelineStatus& status, api::Plan& plan) {
  for (auto& run : status.runs) {
    if (finished(run)) continue;
    const bool hasJob = std::any_of(snapshot.jobs.begin(), snapshot.jobs.end(),
                                    [&](const auto& job) { return job->meta.name == run.name; });
    if (run.phase == "Running" && !hasJob)
      plan.gone.push_back({"batch/v1", "Job", snapshot.pipeline->meta.namespace_, run.name, {}});
    run = observed(snapshot, run);
    if (!finished(run)) continue;
    if (!run.version.empty()) status.latestVersion = run.version;
    plan.events.push_back(ended(run));
  }
}

// Gives the run its number and name and writes it down: from now on it is decided, whatever
// crashes.
void decideRun(const Snapshot& snapshot, api::TrainingPipelineStatus& status, api::Run run,
               api::Plan& plan) {
  const auto& pipeline = *snapshot.pipeline;
  if (run.purpose == "Check") {
    run.number = status.nextCheckNumber++;
    run.name = pipeline.meta.name + "-check-" + std::to_string(run.number);
    // a check is about the model that its Pod serves; versions are numbered by trainings alone
  } else {
    std::int64_t number = status.nextRunNumber;
    for (const auto& version : snapshot.versions) {
      number = std::max(number, numberOf(version->meta.name, pipeline.spec.model) + 1);
    }
    run.number = number;
    run.name = pipeline.meta.name + "-" + std::to_string(number);
    status.nextRunNumber = number + 1;
  }
  if (const auto* parent = newestVersion(snapshot)) run.parent = parent->meta.name;
  run.phase = "Pending";
  run.startTime = snapshot.now;
  plan.events.push_back({false, run.purpose == "Check" ? "CheckDecided" : "RunDecided",
                         run.name + ": " + run.trigger + " asks for it, image " + run.image});
  status.runs.push_back(std::move(run));
}

// A Job is made once: its template cannot change. One training and one check at a time, in their
// order.
void applyJobs(const Snapshot& snapshot, const api::TrainingPipelineStatus& status,
               api::Plan& plan) {
  std::set<std::string> busy;
  for (const auto& run : status.runs) {
    if (finished(run) || !busy.insert(run.purpose).second) continue;
    if (run.phase == "Pending") plan.apply.push_back(runJob(snapshot, run, status.environment));
  }
}

// Without its run a request would look as if nobody had answered it, and be answered once more.
bool stillAskedFor(const Snapshot& snapshot, const api::Run& run) {
  return std::any_of(snapshot.deployments.begin(), snapshot.deployments.end(),
                     [&](const auto& one) {
                       return one->status.retrain && one->status.retrain->id == run.triggerId;
                     });
}

// Drops finished runs beyond the limits from the status, and Jobs that the status no longer knows.
void prune(const Snapshot& snapshot, api::TrainingPipelineStatus& status, api::Plan& plan) {
  const auto& spec = snapshot.pipeline->spec;
  for (const char* purpose : {"Train", "Check"}) {
    for (const auto& [phase, limit] : {std::pair{"Succeeded", spec.successfulRunsHistoryLimit},
                                       {"Failed", spec.failedRunsHistoryLimit}}) {
      const auto matches = [&, p = phase](const api::Run& run) {
        return run.purpose == purpose && run.phase == p && !stillAskedFor(snapshot, run);
      };
      auto excess = std::count_if(status.runs.begin(), status.runs.end(), matches) - limit;
      std::erase_if(status.runs, [&](const api::Run& run) { return matches(run) && excess-- > 0; });
    }
  }
  for (const auto& job : snapshot.jobs) {
    const std::string& name = job->meta.name;
    const auto known = std::any_of(status.runs.begin(), status.runs.end(),
                                   [&](const api::Run& run) { return run.name == name; });
    const auto check = numberOf(name, snapshot.pipeline->meta.name + "-check");
    const auto train = numberOf(name, snapshot.pipeline->meta.name);
    // A number that the status has not given yet: this status is older than the Job. Leave it
    // alone.
    const bool fromTheFuture =
        check ? check >= status.nextCheckNumber : train >= status.nextRunNumber;
    if (known || fromTheFuture || job->meta.deleted || (!job->complete && !job->hasFailed))
      continue;
    plan.remove.push_back({"batch/v1", "Job", job->meta.namespace_, name, job->meta.uid});
  }
}

void lookAgain(const Snapshot& snapshot, const api::TrainingPipelineStatus& status,
               api::Plan& plan) {
  const auto& spec = snapshot.pipeline->spec;
  const bool unresolved = !snapshot.image || snapshot.image->reference.empty();
  if ((spec.triggers.change && watches(spec, "Image")) || unresolved) {
    const Milliseconds interval =
        spec.triggers.change
            ? parseDuration(spec.triggers.change->interval).value_or(std::chrono::minutes(5))
            : std::chrono::minutes(1);
    plan.lookAgainIn(snapshot.image ? std::max(Milliseconds(500),
                                               snapshot.image->checkedAt + interval - snapshot.now)
                                    : Milliseconds(1000));
  }
  // Job, Pod and version come by three watches; whichever is last wakes us, this is for one that is
  // lost
  const bool active = std::any_of(status.runs.begin(), status.runs.end(),
                                  [](const api::Run& run) { return !finished(run); });
  if (active) plan.lookAgainIn(std::chrono::seconds(10));
}

}  // namespace

api::Plan plan(const Snapshot& snapshot) {
  const auto& pipeline = *snapshot.pipeline;
  api::Plan plan;
  if (pipeline.meta.deleted) return plan;  // children are garbage-collected
  api::TrainingPipelineStatus status = pipeline.status;
  status.observedGeneration = pipeline.meta.generation;
  if (const auto bad = invalid(pipeline.spec)) {
    setInvalid(snapshot, status, *bad);
    plan.status = api::encode(status);
    return plan;
  }
  observeRuns(snapshot, status, plan);
  describeInForce(snapshot, status);
  if (auto owed = conclude(snapshot, status, plan.events)) decideRun(snapshot, status, *owed, plan);
  Asked request = asked(snapshot, status);
  if (request.run) {
    if (!request.runAt.empty()) status.handledRunAt = request.runAt;
    if (!request.retry.empty()) status.handledRetry = request.retry;
    decideRun(snapshot, status, *request.run, plan);
  }
  plan.apply.push_back(publisherAccount(pipeline));
  plan.apply.push_back(publisherBinding(pipeline));
  applyJobs(snapshot, status, plan);
  prune(snapshot, status, plan);
  setConditions(snapshot, status);
  plan.status = api::encode(status);
  if (request.lookAgain) plan.lookAgainIn(*request.lookAgain);
  lookAgain(snapshot, status, plan);
  return plan;
}

}  // namespace reprise::training
