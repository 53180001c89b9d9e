// `install`: brings this program into the Pod's shared volume, from where it runs in the user's
// image.
#pragma once

#include <filesystem>

#include "agent/termination.h"

namespace reprise::agent {

// Copies `self` to `<to>/reprise-agent` (atomically, 0755) and makes `<to>/../output`, which any
// uid may write: the steps may run as another user than this one. Reasons: Installed,
// InstallFailed.
Ending install(const std::filesystem::path& self, const std::filesystem::path& to);

}  // namespace reprise::agent
