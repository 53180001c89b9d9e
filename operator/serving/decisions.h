// The record of what was decided, in status.decisions.
#pragma once

#include <string>
#include <vector>

#include "api/plan.h"
#include "serving/snapshot.h"

namespace reprise::serving {

inline constexpr std::size_t kMaxDecisions = 20;

// A number as statuses carry it; `format` is printf's, of at most 63 characters.
std::string decimal(double value, const char* format = "%.4f");

// Writes `record` down under the next id, with the time, and says it as an event. Returns the id.
std::int64_t decided(const Snapshot& snapshot, api::ModelDeploymentStatus& status,
                     api::DecisionRecord record, std::vector<api::EventDraft>& events);

// The newest decision with one of `actions`; nullptr if there is none.
api::DecisionRecord* lastDecision(api::ModelDeploymentStatus& status,
                                  const std::vector<std::string>& actions);

api::DecisionRecord* findDecision(api::ModelDeploymentStatus& status, std::int64_t id);

}  // namespace reprise::serving
