#include "registry/version_plan.h"

#include <algorithm>

#include "api/codec.h"
#include "api/conditions.h"
#include "registry/gates.h"

namespace reprise::registry {
namespace {

api::Condition judged(const VersionSnapshot& snapshot) {
  const auto& version = *snapshot.version;
  api::Condition out{"Available", "True", {}, {}, std::nullopt, version.meta.generation};
  const auto& gates = snapshot.pipeline ? snapshot.pipeline->spec.gates : std::vector<api::Gate>{};
  if (gates.empty()) {
    out.reason = "NoGates";
    out.message = snapshot.pipeline
                      ? "TrainingPipeline '" + snapshot.pipeline->meta.name + "' asks for no gates"
                      : "no TrainingPipeline of this namespace made it, so no gates apply";
  } else if (const auto failure = failedGate(gates, version.spec.metrics)) {
    out.status = "False";
    out.reason = "GateFailed";
    out.message = *failure + "; it is kept, and never served";
  } else {
    out.reason = "GatesPassed";
    out.message = "all " + std::to_string(gates.size()) + " gates of TrainingPipeline '" +
                  snapshot.pipeline->meta.name + "' passed";
  }
  return out;
}

}  // namespace

api::Plan planVersion(const VersionSnapshot& snapshot) {
  api::Plan plan;
  const auto& version = *snapshot.version;
  if (version.meta.deleted) return plan;
  api::ModelVersionStatus status = version.status;
  status.observedGeneration = version.meta.generation;
  if (!api::findCondition(status.conditions, "Available")) {
    const api::Condition verdict = judged(snapshot);
    plan.events.push_back({verdict.status != "True", verdict.reason, verdict.message});
    api::setCondition(status.conditions, verdict, snapshot.now);
  }
  status.servedBy.clear();
  for (const auto& deployment : snapshot.deployments) {
    if (deployment->spec.model == version.spec.model &&
        deployment->status.active == version.meta.name) {
      status.servedBy.push_back(deployment->meta.name);
    }
  }
  std::sort(status.servedBy.begin(), status.servedBy.end());
  plan.status = api::encode(status);
  return plan;
}

}  // namespace reprise::registry
