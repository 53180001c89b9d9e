#include "serving/decisions.h"

#include <algorithm>
#include <cstdio>

namespace reprise::serving {
namespace {

std::string sentence(const api::DecisionRecord& record) {
  std::string out =
      "decision " + std::to_string(record.id) + " (" + record.signal + "): " + record.action;
  if (!record.from.empty()) out += " from " + record.from;
  if (!record.to.empty()) out += " to " + record.to;
  return out + ": " + record.message;
}

// The oldest that no cool-down is counted from: those last for longer than twenty decisions may
// take.
void forgetOldest(api::ModelDeploymentStatus& status) {
  if (status.decisions.size() <= kMaxDecisions) return;
  const auto* action = lastDecision(status, {"Switch", "Retrain"});
  const auto* training = lastDecision(status, {"Retrain"});
  const auto oldest =
      std::find_if(status.decisions.begin(), status.decisions.end(),
                   [&](const auto& one) { return &one != action && &one != training; });
  status.decisions.erase(oldest);
}

}  // namespace

std::string decimal(double value, const char* format) {
  char text[64];
  std::snprintf(text, sizeof text, format, value);
  return text;
}

std::int64_t decided(const Snapshot& snapshot, api::ModelDeploymentStatus& status,
                     api::DecisionRecord record, std::vector<api::EventDraft>& events) {
  record.id = status.nextDecision++;
  record.time = snapshot.now;
  events.push_back({record.action == "Reject", record.action, sentence(record)});
  status.decisions.push_back(std::move(record));
  forgetOldest(status);
  return status.decisions.back().id;
}

api::DecisionRecord* lastDecision(api::ModelDeploymentStatus& status,
                                  const std::vector<std::string>& actions) {
  for (auto it = status.decisions.rbegin(); it != status.decisions.rend(); ++it) {
    if (std::find(actions.begin(), actions.end(), it->action) != actions.end()) return &*it;
  }
  return nullptr;
}

api::DecisionRecord* findDecision(api::ModelDeploymentStatus& status, std::int64_t id) {
  for (auto& record : status.decisions) {
    if (record.id == id) return &record;
  }
  return nullptr;
}

}  // namespace reprise::serving
