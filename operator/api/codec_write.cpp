#include "api/codec.h"
#include "api/encode.h"
#include "api/model_deployment_fields.h"
#include "api/model_version_fields.h"
#include "api/training_pipeline_fields.h"

namespace reprise::api {

nlohmann::json encode(const TrainingPipelineSpec& spec) { return detail::encodeStruct(spec); }
nlohmann::json encode(const TrainingPipelineStatus& status) { return detail::encodeStruct(status); }
nlohmann::json encode(const ModelVersionSpec& spec) { return detail::encodeStruct(spec); }
nlohmann::json encode(const ModelVersionStatus& status) { return detail::encodeStruct(status); }
nlohmann::json encode(const ModelDeploymentSpec& spec) { return detail::encodeStruct(spec); }
nlohmann::json encode(const ModelDeploymentStatus& status) { return detail::encodeStruct(status); }

}  // namespace reprise::api
