// What a plan looks up in its snapshot: versions by number, the basis they carry on, who serves
// them.
#pragma once

#include <cstdint>
#include <string>

#include <nlohmann/json.hpp>

#include "training/snapshot.h"

namespace reprise::training {

std::string versionName(const std::string& model, std::int64_t number);  // fuel-7
// The number behind "<prefix>-", 0 if there is none.
std::int64_t numberOf(const std::string& name, const std::string& prefix);

const api::ModelVersion* findVersion(const Snapshot& snapshot, const std::string& name);
// The version with the highest number; nullptr if there is none yet.
const api::ModelVersion* newestVersion(const Snapshot& snapshot);
bool isAvailable(const api::ModelVersion& version);

// The basis of the newest version that has a profile: profiles compare only on one basis. Null if
// none.
nlohmann::json carriedBasis(const Snapshot& snapshot);

// The ModelDeployment by whose server a check is verified: the first by name. nullptr if the model
// is not deployed.
const api::ModelDeployment* servingDeployment(const Snapshot& snapshot);

}  // namespace reprise::training
