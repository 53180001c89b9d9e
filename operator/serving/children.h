// The Deployment of one served version, and the Service in front of the active one.
#pragma once

#include <string>

#include <nlohmann/json.hpp>

#include "serving/snapshot.h"

namespace reprise::serving {

inline constexpr int kMonitorPort = 9090;  // requests
inline constexpr int kAdminPort = 9091;    // readiness, windows, metrics

std::string childName(const api::ModelDeployment& deployment, const std::string& version);

// Init container `fetch` brings the artifact and refuses changed bytes; `server` is the user's, in
// the image that trained the version, by digest; `monitor` stands in front of it and is ready once
// the golden requests were answered rightly.
nlohmann::json versionDeployment(const Snapshot& snapshot, const api::ModelVersion& version);

// Sends traffic to the Pods of `active`: a switch to a version that stands by is this one write.
nlohmann::json service(const Snapshot& snapshot, const std::string& active);

}  // namespace reprise::serving
