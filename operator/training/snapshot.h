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
#include "registry/image_fact.h"

namespace reprise::training {

struct Snapshot {
  std::shared_ptr<const api::TrainingPipeline> pipeline;
  std::vector<std::shared_ptr<const api::Job>> jobs;  // owned by the pipeline
  std::vector<std::shared_ptr<const api::Pod>> pods;  // of those Jobs
  std::vector<std::shared_ptr<const api::ModelVersion>>
      versions;  // of the model, in this namespace
  std::vector<std::shared_ptr<const api::ModelDeployment>>
      deployments;                           // of the model, in this namespace
  std::optional<registry::ImageFact> image;  // of spec.environment.image
  pods::Settings settings;
  Time now;
};

}  // namespace reprise::training
