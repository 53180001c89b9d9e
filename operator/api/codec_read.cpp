#include "api/codec.h"
#include "api/core/objects.h"
#include "api/decode.h"
#include "api/model_deployment_fields.h"
#include "api/model_version_fields.h"
#include "api/training_pipeline_fields.h"

namespace reprise::api {
namespace {

template <class T>
Expected<T> decodeKind(const JsonView& object) {
  if (!object.isObject()) return detail::wrongType("the object", "an object", object);
  T out;
  out.meta = decodeMeta(object);
  if (auto done = detail::decodeMember(object, "spec", "spec", out.spec); !done)
    return tl::unexpected(done.error());
  if (auto done = detail::decodeMember(object, "status", "status", out.status); !done)
    return tl::unexpected(done.error());
  return out;
}

}  // namespace

Expected<TrainingPipeline> decodeTrainingPipeline(JsonView object) {
  return decodeKind<TrainingPipeline>(object);
}
Expected<ModelVersion> decodeModelVersion(JsonView object) {
  return decodeKind<ModelVersion>(object);
}
Expected<ModelDeployment> decodeModelDeployment(JsonView object) {
  return decodeKind<ModelDeployment>(object);
}

}  // namespace reprise::api
