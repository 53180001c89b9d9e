// How a served version is doing: from its Deployment, its Pods and their monitors.
#pragma once

#include <string>

#include "serving/snapshot.h"

namespace reprise::serving {

struct Health {
  enum class State { Absent, Progressing, Ready, Failed };
  State state = State::Absent;
  std::int32_t ready = 0;       // Pods that answer
  std::string reason, message;  // of Progressing and Failed
};

// Failed is what will not mend itself: changed bytes, wrong golden answers, or the progress
// deadline.
Health health(const Snapshot& snapshot, const std::string& version);

}  // namespace reprise::serving
