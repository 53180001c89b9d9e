#include "api/codec.h"

#include "api/core/objects.h"
#include "api/decode.h"
#include "api/encode.h"
#include "api/model_deployment_fields.h"
#include "api/model_version_fields.h"
#include "api/training_pipeline_fields.h"

namespace reprise::api {
namespace {

template <class T>
Expected<T> decodeKind(const nlohmann::json& object) {
  if (!object.is_object()) return detail::wrongType("the object", "an object", object);
  T out;
  out.meta = decodeMeta(object);
  if (const auto it = object.find("spec"); it != object.end()) {
    if (auto done = detail::decodeValue(*it, "spec", out.spec); !done)
      return tl::unexpected(done.error());
  }
  if (const auto it = object.find("status"); it != object.end()) {
    if (auto done = detail::decodeValue(*it, "status", out.status); !done)
      return tl::unexpected(done.error());
  }
  return out;
}

}  // namespace

Expected<TrainingPipeline> decodeTrainingPipeline(const nlohmann::json& object) {
  return decodeKind<TrainingPipeline>(object);
}
Expected<ModelVersion> decodeModelVersion(const nlohmann::json& object) {
  return decodeKind<ModelVersion>(object);
}
Expected<ModelDeployment> decodeModelDeployment(const nlohmann::json& object) {
  return decodeKind<ModelDeployment>(object);
}

nlohmann::json encode(const TrainingPipelineSpec& spec) { return detail::encodeStruct(spec); }
nlohmann::json encode(const TrainingPipelineStatus& status) { return detail::encodeStruct(status); }
nlohmann::json encode(const ModelVersionSpec& spec) { return detail::encodeStruct(spec); }
nlohmann::json encode(const ModelVersionStatus& status) { return detail::encodeStruct(status); }
nlohmann::json encode(const ModelDeploymentSpec& spec) { return detail::encodeStruct(spec); }
nlohmann::json encode(const ModelDeploymentStatus& status) { return detail::encodeStruct(status); }

}  // namespace reprise::api
