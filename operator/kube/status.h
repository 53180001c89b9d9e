// What an API server's refusal means.
#pragma once

#include <string>

#include <nlohmann/json.hpp>

#include "base/http.h"
#include "base/result.h"

namespace reprise::kube {

// From a response with a status of 400 or more, whose body is a metav1.Status (or not: proxies
// answer in other ways). `what` begins the message: "apply Pod default/a".
Error toError(const http::Response& response, const std::string& what);

// From a metav1.Status, as it also comes inside of a watch.
Error toError(const nlohmann::json& status, const std::string& what);

// The server does not know this version (yet, or any more after a restore): a list or watch from it
// cannot work.
bool versionTooLarge(const nlohmann::json& status);

}  // namespace reprise::kube
