// ModelVersion: whether it may be served, and who serves it. Pure.
#pragma once

#include <memory>
#include <vector>

#include "api/model_deployment.h"
#include "api/model_version.h"
#include "api/plan.h"
#include "api/training_pipeline.h"

namespace reprise::registry {

struct VersionSnapshot {
  std::shared_ptr<const api::ModelVersion> version;
  std::shared_ptr<const api::TrainingPipeline>
      pipeline;  // the one of its lineage; null if it is gone
  std::vector<std::shared_ptr<const api::ModelDeployment>> deployments;  // of its namespace
  Time now;
};

// Its gates are judged once, when the version is new: a gate that is changed later does not take
// back what was promised, nor does a pipeline that was deleted.
api::Plan planVersion(const VersionSnapshot& snapshot);

}  // namespace reprise::registry
