// The Job of one run: what Kubernetes is asked to do.
#pragma once

#include <optional>

#include <nlohmann/json.hpp>

#include "api/training_pipeline.h"
#include "training/snapshot.h"

namespace reprise::training {

// Of the part of the spec that decides what is trained: steps, parameters, data, template, pins.
// Not the image (its digest says it), not gates, triggers or limits. 64 hex digits.
std::string specHash(const api::TrainingPipelineSpec& spec);

// Train: install, train, evaluate, then publish. Check: install, train with the check's arguments,
// evaluate, the model server of a ModelDeployment as a sidecar, then verify. `environment`: in
// force, as the status says that is written before the Job is made. So the Job is the same where
// the two writes have a crash between them.
nlohmann::json runJob(const Snapshot& snapshot, const api::Run& run,
                      const std::optional<api::EnvironmentStatus>& environment);

// The service account that only the publish container holds, and its binding to the chart's
// ClusterRole reprise-publisher (create ModelVersions, nothing else).
nlohmann::json publisherAccount(const api::TrainingPipeline& pipeline);
nlohmann::json publisherBinding(const api::TrainingPipeline& pipeline);
std::string publisherName(const api::TrainingPipeline& pipeline);

}  // namespace reprise::training
