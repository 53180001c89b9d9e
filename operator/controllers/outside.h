// Between the sources outside (signals/) and the plan (serving/outside.h).
#pragma once

#include "controllers/context.h"
#include "serving/snapshot.h"

namespace reprise::controllers {

// Tells the poll what snapshot.deployment asks, and puts what came into the snapshot.
void readOutside(const Context& context, serving::Snapshot& snapshot);

// After the status was written: what is in it waits no more.
void noteOutside(const Context& context, const api::ModelDeployment& deployment,
                 const nlohmann::json& status);

void forgetOutside(const Context& context, const runtime::Key& key);

}  // namespace reprise::controllers
