// TrainingPipeline: reads the snapshot from the caches, plans, acts.
#pragma once

#include "controllers/context.h"
#include "runtime/controller.h"

namespace reprise::controllers {

runtime::Controller::Hooks trainingHooks(const Context& context);

}  // namespace reprise::controllers
