// Kinds as few bytes and back, for caches that hold thousands of objects. The form is this
// process's own: it is never stored or sent, so it has no versions.
#pragma once

#include <string>
#include <string_view>

namespace reprise::api {

// For TrainingPipeline, ModelVersion, ModelDeployment, and Child, Job, Deployment, Service, Pod.
// unpack(pack(x)) equals x; it takes only what pack() made of the same T, and throws
// std::out_of_range where bytes are missing.
template <class T>
std::string pack(const T& object);
template <class T>
T unpack(std::string_view bytes);

}  // namespace reprise::api
