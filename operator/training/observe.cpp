#include "training/observe.h"

#include <nlohmann/json.hpp>

#include "api/labels.h"
#include "registry/gates.h"
#include "training/versions.h"

namespace reprise::training {
namespace {

using nlohmann::json;

const api::Job* findJob(const Snapshot& snapshot, const std::string& name) {
  for (const auto& job : snapshot.jobs) {
    if (job->meta.name == name) return job.get();
  }
  return nullptr;
}

const api::Pod* newestPod(const Snapshot& snapshot, const std::string& job) {
  const api::Pod* newest = nullptr;
  for (const auto& pod : snapshot.pods) {
    if (pod->meta.label("batch.kubernetes.io/job-name") != job) continue;
    if (!newest || newest->meta.created < pod->meta.created) newest = pod.get();
  }
  return newest;
}

std::string text(const json& object, const char* key) {
  const auto it = object.find(key);
  return it != object.end() && it->is_string() ? it->get<std::string>() : std::string();
}

// The report is written by our agent, but inside the user's container: nothing in it is trusted to
// be there.
StepReport parseReport(const api::ContainerStatus& status) {
  StepReport report{status.name, {}, {}, {}, {}, {}};
  const json object = json::parse(status.terminatedMessage, nullptr, false);
  if (!object.is_object()) {
    report.reason = status.terminatedReason;
    report.message =
        status.terminatedMessage.empty()
            ? "container '" + status.name + "' exited with status " +
                  std::to_string(*status.exitCode) +
                  (status.terminatedReason.empty() ? "" : " (" + status.terminatedReason + ")")
            : status.terminatedMessage;
    return report;
  }
  report.reason = text(object, "reason");
  report.message = text(object, "message");
  if (const auto env = object.find("environment"); env != object.end() && env->is_object()) {
    report.python = text(*env, "python");
    if (const auto changed = env->find("changed"); changed != env->end() && changed->is_array()) {
      for (const json& line : *changed) {
        if (line.is_string()) report.changed.push_back(line.get<std::string>());
      }
    }
  }
  if (const auto metrics = object.find("metrics");
      metrics != object.end() && metrics->is_object()) {
    for (const auto& [name, value] : metrics->items()) {
      if (value.is_number()) report.metrics[name] = value.dump();
      if (value.is_string()) report.metrics[name] = value.get<std::string>();
    }
  }
  return report;
}

// Job and Pod come by two watches: a Job that ended may be seen before the last words of its Pod.
bool stillToCome(const Snapshot& snapshot, const api::Job& job) {
  const api::Pod* pod = newestPod(snapshot, job.meta.name);
  if (pod && (pod->phase == "Succeeded" || pod->phase == "Failed")) return false;
  const Time since = job.completionTime.value_or(job.startTime.value_or(snapshot.now));
  return job.complete ? snapshot.now - since < std::chrono::seconds(30)
                      : pod && pod->meta.deleted == std::nullopt;
}

// Why a Job failed, in the words of the container that failed.
std::string failureMessage(const Snapshot& snapshot, const api::Job& job) {
  if (const api::Pod* pod = newestPod(snapshot, job.meta.name)) {
    for (const auto& status : pod->containers) {
      if (!status.exitCode || *status.exitCode == 0) continue;
      const StepReport report = parseReport(status);
      if (job.failureReason == "DeadlineExceeded")
        break;  // it was ended from outside: its words mislead
      return report.reason.empty() ? report.message : report.reason + ": " + report.message;
    }
  }
  if (job.failureReason == "DeadlineExceeded") {
    const auto stuck = obstacle(snapshot, job.meta.name);
    return "DeadlineExceeded: the run took longer than activeDeadlineSeconds; raise it, or make "
           "the steps shorter" +
           (stuck ? " (" + stuck->reason + ": " + stuck->message + ")" : "");
  }
  return job.failureReason + ": " + job.failureMessage;
}

void concludeTraining(const Snapshot& snapshot, const api::Job& job, api::Run& run) {
  const std::string name = versionName(snapshot.pipeline->spec.model, run.number);
  const api::ModelVersion* version = findVersion(snapshot, name);
  if (version && version->spec.lineage.run == run.name &&
      version->spec.lineage.pipeline == snapshot.pipeline->meta.name) {
    run.phase = "Succeeded";
    run.version = name;
    run.message = "recorded as " + name;
  } else if (version) {
    run.phase = "Failed";
    run.message = "VersionTaken: ModelVersion " + name + " was made by run '" +
                  version->spec.lineage.run + "' of pipeline '" + version->spec.lineage.pipeline +
                  "'; delete it, or give this pipeline a model of its own";
  } else if (job.completionTime && snapshot.now - *job.completionTime > std::chrono::minutes(1)) {
    // publish ends only after the version was created: it was deleted since, or the wrong cluster
    // answered
    run.phase = "Failed";
    run.message = "VersionMissing: the Job completed, but there is no ModelVersion " + name;
  }
}

void concludeCheck(const Snapshot& snapshot, api::Run& run) {
  std::map<std::string, std::string> metrics;
  for (const auto& report : stepReports(snapshot, run.name)) {
    if (report.container == "verify") metrics = report.metrics;
  }
  const auto& check = snapshot.pipeline->spec.check;
  const auto gate = check ? registry::failedGate(check->gates, metrics) : std::nullopt;
  run.phase = gate ? "Failed" : "Succeeded";
  run.message = gate ? "GateFailed: " + *gate
                : servingDeployment(snapshot)
                    ? "the model trains, and answers its golden requests when served"
                    : "the model trains; no ModelDeployment serves it, so nothing was served";
}

}  // namespace

std::vector<StepReport> stepReports(const Snapshot& snapshot, const std::string& job) {
  std::vector<StepReport> reports;
  if (const api::Pod* pod = newestPod(snapshot, job)) {
    for (const auto& status : pod->containers) {
      if (status.exitCode) reports.push_back(parseReport(status));
    }
  }
  return reports;
}

std::optional<Obstacle> obstacle(const Snapshot& snapshot, const std::string& job) {
  const api::Pod* pod = newestPod(snapshot, job);
  if (!pod) return std::nullopt;
  if (!pod->unschedulable.empty()) {
    return Obstacle{"Unschedulable",
                    "Pod " + pod->meta.name + " cannot be scheduled: " + pod->unschedulable};
  }
  static constexpr const char* stuck[] = {"ImagePullBackOff", "ErrImagePull", "InvalidImageName",
                                          "CreateContainerConfigError", "CreateContainerError"};
  for (const auto& status : pod->containers) {
    for (const char* reason : stuck) {
      if (status.waitingReason == reason) {
        return Obstacle{reason, "container '" + status.name + "' of Pod " + pod->meta.name + ": " +
                                    status.waitingMessage};
      }
    }
  }
  return std::nullopt;
}

api::Run observed(const Snapshot& snapshot, api::Run run) {
  if (finished(run)) return run;
  const api::Job* job = findJob(snapshot, run.name);
  if (!job) {
    if (run.phase == "Running") {
      run.phase = "Failed";
      run.completionTime = snapshot.now;
      run.message = "JobDeleted: somebody deleted Job " + run.name + " before it ended";
    }
    return run;
  }
  run.phase = "Running";
  if (job->startTime) run.startTime = job->startTime;
  if ((job->complete || job->hasFailed) && stillToCome(snapshot, *job)) return run;
  if (job->complete) {
    if (run.purpose == "Check") {
      concludeCheck(snapshot, run);
    } else {
      concludeTraining(snapshot, *job, run);
    }
  } else if (job->hasFailed) {
    run.phase = "Failed";
    run.message = failureMessage(snapshot, *job);
  }
  if (finished(run))
    run.completionTime =
        job->completionTime ? job->completionTime : std::optional<Time>(snapshot.now);
  return run;
}

}  // namespace reprise::training
