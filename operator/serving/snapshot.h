// All that a plan for a ModelDeployment may know.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "api/core/objects.h"
#include "api/model_deployment.h"
#include "api/model_version.h"
#include "api/training_pipeline.h"
#include "drift/decide.h"
#include "pods/parts.h"
#include "serving/known_profile.h"
#include "serving/outside_facts.h"

namespace reprise::serving {

// What the monitor of one Pod last said.
struct MonitorFact {
  std::string golden;  // Pending, Passed, Failed; "" if it has not been reached yet
  std::string message;
  std::string problem;  // why it could not be read; "": it was, or was not asked yet
};

struct Snapshot {
  std::shared_ptr<const api::ModelDeployment> deployment;
  std::vector<std::shared_ptr<const api::Deployment>> children;  // owned by it
  std::vector<std::shared_ptr<const api::Pod>> pods;             // of those
  std::vector<std::shared_ptr<const api::ModelVersion>>
      versions;  // of the model, in this namespace
  // In this namespace: those that it names, or more.
  std::vector<std::shared_ptr<const api::TrainingPipeline>> pipelines;
  std::map<std::string, std::shared_ptr<const KnownProfile>>
      profiles;                                 // by version; absent: has none
  std::vector<drift::Window> windows;           // of all its Pods, in order of their last row
  std::vector<drift::LabelBlock> labels;        // of the versions that run, on answered rows
  std::map<std::string, MonitorFact> monitors;  // by Pod's name
  OutsideFacts outside;
  pods::Settings settings;
  Time now;
};

}  // namespace reprise::serving
