// Kept versions that do not run, and are started for a while to be scored on rows whose labels
// came: where the labels' rule changed, nothing else tells whether one of them knows the new one.
#pragma once

#include <optional>
#include <string>

#include "serving/snapshot.h"

namespace reprise::serving {

inline constexpr std::size_t kMaxShadows = 4;  // at a time, the newest versions first
// A version that cannot be scored by then does not hold a training back any longer.
inline constexpr auto kScoringLimit = std::chrono::minutes(2);

// Sets status.shadows: those that are worth a score while status.drift says that labels are
// gathered, else none. When to look again, if anything is waited for.
std::optional<Milliseconds> chooseShadows(const Snapshot& snapshot,
                                          api::ModelDeploymentStatus& status);

// A sentence about the versions that have to be scored before a training is asked for; nothing
// where none is waited for.
std::optional<std::string> waitForScores(const Snapshot& snapshot,
                                         const api::ModelDeploymentStatus& status,
                                         const drift::Decision& decision);

}  // namespace reprise::serving
