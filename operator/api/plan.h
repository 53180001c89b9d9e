// What a plan answers: the whole of what one reconcile may write. runtime/actor is the one place
// that writes it.
#pragma once

#include <algorithm>
#include <optional>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "base/time.h"

namespace reprise::api {

// An object that is to be removed, and only this very one.
struct ObjectRef {
  std::string apiVersion, kind, namespace_, name;
  std::string uid;  // precondition
};

// An event about the object that was planned.
struct EventDraft {
  bool warning = false;
  std::string reason;  // CamelCase
  std::string message;
};

// First what is concluded from the absence of an object is checked. Then written in this order:
// status (the record of what was decided), children, removals, events. A conflict on the status
// ends the reconcile before anything else is written.
struct Plan {
  nlohmann::json status;        // the whole wanted status; null = leave it
  std::vector<ObjectRef> gone;  // objects (uid "") whose absence this plan stands on
  std::vector<nlohmann::json>
      apply;  // children, whole objects for server-side apply, in their order
  std::vector<ObjectRef> remove;
  std::vector<EventDraft> events;
  std::optional<Milliseconds> lookAgain;  // reconcile again after this long, though nothing changed

  // After the soonest of all that are asked for; 100 ms at least, for a time that is over.
  void lookAgainIn(Milliseconds time) {
    time = std::max(time, Milliseconds(100));
    if (!lookAgain || time < *lookAgain) lookAgain = time;
  }
};

}  // namespace reprise::api
