// What the status says to people and to kubectl wait.
#pragma once

#include <optional>
#include <string>

#include "serving/choose.h"
#include "serving/snapshot.h"

namespace reprise::serving {

void setConditions(const Snapshot& snapshot, api::ModelDeploymentStatus& status,
                   const std::optional<Blocked>& blocked);

}  // namespace reprise::serving
