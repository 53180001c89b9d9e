// Asks the Python that a command would run for its version and its packages.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "agent/environment.h"

namespace reprise::agent {

// The interpreter that `command` uses: its first word if that is a python, the one its "#!" line
// names if it is a script, else python3 or python in PATH. Nothing where the image has none.
std::optional<std::string> interpreterOf(const std::vector<std::string>& command);

// An image without Python is fine: the Environment then has only a platform. An interpreter that is
// there and does not answer is an error.
Expected<Environment> inspectEnvironment(const std::vector<std::string>& command);

}  // namespace reprise::agent
