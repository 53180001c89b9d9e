// All that a plan for a TrainingPipeline may know.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "api/core/objects.h"
#include "api/model_deployment.h"
#include "api/model_version.h"
#include "api/training_pipeline.h"
#include "pods/parts.h"

namespace reprise::training {

// What a registry said of spec.environment.image.
struct ImageFact {
  std::string reference;                    // repository@sha256:…; "" if it could not be resolved
  std::string reason, message;              // why not: ImageNotFound, RegistryUnavailable, InvalidImage
  Time checkedAt;
};

struct Snapshot {
  std::shared_ptr<const api::TrainingPipeline> pipeline;
  std::vector<std::shared_ptr<const api::Job>> jobs;               // owned by the pipeline
  std::vector<std::shared_ptr<const api::Pod>> pods;               // of those Jobs
  std::vector<std::shared_ptr<const api::ModelVersion>> versions;  // of the model, in this namespace
  std::vector<std::shared_ptr<const api::ModelDeployment>> deployments;   // of the model, in this namespace
  std::optional<ImageFact> image;
  pods::Settings settings;
  Time now;
};

}  // namespace reprise::training
