// Conditions as metav1 has them: one a type, and the time of the last change of status.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "api/meta.h"

namespace reprise::api {

inline const Condition* findCondition(const std::vector<Condition>& conditions,
                                      const std::string& type) {
  for (const auto& condition : conditions) {
    if (condition.type == type) return &condition;
  }
  return nullptr;
}

// lastTransitionTime moves only when the status does.
inline void setCondition(std::vector<Condition>& conditions, Condition next, Time now) {
  // Kubernetes' limit for a message is 32 KiB; ours are sentences.
  if (next.message.size() > 2000) next.message = next.message.substr(0, 1997) + "...";
  for (auto& condition : conditions) {
    if (condition.type != next.type) continue;
    next.lastTransitionTime = condition.status == next.status && condition.lastTransitionTime
                                  ? condition.lastTransitionTime
                                  : now;
    condition = std::move(next);
    return;
  }
  next.lastTransitionTime = now;
  conditions.push_back(std::move(next));
}

}  // namespace reprise::api
