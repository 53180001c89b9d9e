// ModelDeployment: from what is there to what should be. Pure: no I/O, no clock of its own.
#pragma once

#include "api/plan.h"
#include "serving/snapshot.h"

namespace reprise::serving {

// Never fails: what is wrong with the spec becomes conditions of the plan's status.
api::Plan plan(const Snapshot& snapshot);

}  // namespace reprise::serving
