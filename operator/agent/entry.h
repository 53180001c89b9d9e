// `entry`: runs a step of the user's in the user's image, after it looked at what is really there.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "agent/termination.h"

namespace reprise::agent {

struct EntryOptions {
  std::string step;              // "train": for messages
  std::filesystem::path output;  // REPRISE_OUTPUT_DIR; .reprise/environment.json is written there
  std::string expectPython;      // "3.11"; "" = any
  std::filesystem::path expectPackages;      // requirements.txt with name==version lines; "" = any
  std::filesystem::path environmentInForce;  // to compare with; "" or absent = no comparison
  std::vector<std::string> command;
};

// Exit codes of our own: the command was not found (127), may not be executed (126), the
// environment is not the pinned one or cannot be looked at (78, EX_CONFIG). Otherwise the
// command's. Reasons: Completed, StepFailed, EnvironmentMismatch, EnvironmentPinMalformed,
// EnvironmentUnreadable. `more` has "environment": {"python", "changed": ["numpy 1.26.4 → 2.2.0",
// …]} once it is known.
Ending runEntry(const EntryOptions& options);

}  // namespace reprise::agent
