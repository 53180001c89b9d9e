// Between the kinds as structs and as the JSON of the API server. One list of fields a kind (see
// *_fields.h) is the source for reading, writing, the CRD's schema and docs/reference.
#pragma once

#include <nlohmann/json.hpp>

#include "api/model_deployment.h"
#include "api/model_version.h"
#include "api/training_pipeline.h"
#include "base/result.h"

namespace reprise {
class JsonView;  // json/view.h
}

namespace reprise::api {

// Fields that are not there keep their default; unknown fields are passed over (an older operator
// reads a newer object); a wrong type is InvalidArgument that names the field by its path
// (spec.train.command).
Expected<TrainingPipeline> decodeTrainingPipeline(JsonView object);
Expected<ModelVersion> decodeModelVersion(JsonView object);
Expected<ModelDeployment> decodeModelDeployment(JsonView object);

// What is at its zero value ("" / 0 / false / empty / nullopt / null) and optional is left out;
// required status members of server-side apply (a list's keys) are always written.
nlohmann::json encode(const TrainingPipelineSpec& spec);
nlohmann::json encode(const TrainingPipelineStatus& status);
nlohmann::json encode(const ModelVersionSpec& spec);
nlohmann::json encode(const ModelVersionStatus& status);
nlohmann::json encode(const ModelDeploymentSpec& spec);
nlohmann::json encode(const ModelDeploymentStatus& status);

}  // namespace reprise::api
