// Which object is looked at again when another one changes. Handlers only enqueue.
#pragma once

#include <string>

#include "controllers/caches.h"
#include "runtime/controller.h"

namespace reprise::controllers {

struct Controllers {
  runtime::Controller& training;
  runtime::Controller& versions;
  runtime::Controller& serving;
};

// Before the caches start; both outlive them.
void wakeOnChanges(Caches& caches, Controllers controllers);

// The digest of `image` became another one.
void wakeForImage(const Caches& caches, Controllers controllers, const std::string& image);

}  // namespace reprise::controllers
