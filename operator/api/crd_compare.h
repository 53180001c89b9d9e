// Whether the API server knows the fields that this program was built with. Helm installs kinds and
// never changes them, so an upgraded operator may meet those of an earlier one.
#pragma once

#include <string>
#include <vector>

#include <nlohmann/json.hpp>

namespace reprise::api {

// What `theirs`, a CustomResourceDefinition as the API server has it, lacks of `ours`: paths such
// as "status.routes[].context", values such as "spec.protocol: v3", or a version. Empty where it
// has all; what it has beyond that does no harm. Rules and defaults are not compared.
std::vector<std::string> missingFrom(const nlohmann::json& theirs, const nlohmann::json& ours);

}  // namespace reprise::api
