// ModelVersion: reads the snapshot from the caches, plans, acts.
#pragma once

#include "controllers/context.h"
#include "runtime/controller.h"

namespace reprise::controllers {

runtime::Controller::Hooks versionHooks(const Context& context);

}  // namespace reprise::controllers
