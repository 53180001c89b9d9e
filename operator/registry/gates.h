// Gates: the numbers that a model must reach before it may be served.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "api/training_pipeline.h"

namespace reprise::registry {

// Nothing if `metrics` (decimal numbers as strings) pass every gate, else a sentence for the first
// that fails. A metric that is not there, or is no number, fails its gate.
std::optional<std::string> failedGate(const std::vector<api::Gate>& gates,
                                      const std::map<std::string, std::string>& metrics);

}  // namespace reprise::registry
