// Signals from outside (spec.drift.source.prometheus and .webhook) → alarms → decisions.
//
// An alarm that names a version, or a context that a kept version carries (in its
// spec.context), is answered with a switch to it. Any other is held where labels of the rows since
// then say that the serving version's error is what it was; else: where the monitor watches, by
// the rows since the alarm (a kept version fits them: Switch; none does, or they look as those that
// serve: Retrain); without it by a Retrain. At most one action a cool-down, whatever comes.
#pragma once

#include <optional>
#include <vector>

#include "api/plan.h"
#include "serving/snapshot.h"

namespace reprise::serving {

// Takes what came, keeps the alarm in status.outside, and decides: Switch sets status.target,
// Retrain sets status.retrain. Returns when to look again, where only time is waited for.
std::optional<Milliseconds> listenOutside(const Snapshot& snapshot,
                                          api::ModelDeploymentStatus& status,
                                          std::vector<api::EventDraft>& events);

// For the condition SignalsReady: whether the sources outside can be heard.
struct Hearing {
  const char* status = "True";
  std::string reason, message;
};
std::optional<Hearing> hearing(const Snapshot& snapshot);  // nothing: there are no such sources

// For the condition Drifted: nothing where no source outside has anything to say about it.
std::optional<Hearing> outsideDrift(const Snapshot& snapshot,
                                    const api::ModelDeploymentStatus& status);

}  // namespace reprise::serving
