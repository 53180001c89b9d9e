// ModelDeployment: reads the snapshot from the caches and monitors, plans, acts.
#pragma once

#include "controllers/context.h"
#include "runtime/controller.h"

namespace reprise::controllers {

runtime::Controller::Hooks servingHooks(const Context& context);

}  // namespace reprise::controllers
