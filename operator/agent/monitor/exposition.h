// What /metrics says: the text exposition of Prometheus, version 0.0.4.
#pragma once

#include <optional>
#include <string>

#include "agent/monitor/counters.h"
#include "agent/monitor/drift_score.h"

namespace reprise::agent::monitor {

// Without a score its series are left out.
std::string exposition(const Counters& counters, const std::optional<DriftScore::Score>& score,
                       const std::string& model, const std::string& version);

}  // namespace reprise::agent::monitor
