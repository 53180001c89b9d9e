// What an API server sent, as JSON.
#pragma once

#include <string>

#include <nlohmann/json.hpp>

namespace reprise::kube {

// Without any managedFields: nobody here looks at them, and they are up to half of an object.
// Discarded where it is no JSON.
nlohmann::json parseSent(const std::string& body);

}  // namespace reprise::kube
