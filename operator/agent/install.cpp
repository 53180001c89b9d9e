#include "agent/install.h"

#include <sys/stat.h>

#include "agent/files.h"

namespace reprise::agent {

Ending install(const fs::path& self, const fs::path& to) {
  const fs::path target = to / "reprise-agent";
  const fs::path output = to.lexically_normal().parent_path() / "output";
  auto bytes = readFile(self);
  if (!bytes) return ended("InstallFailed", bytes.error().message, 1);
  for (const fs::path& directory : {to, output}) {
    if (auto made = makeDirectories(directory); !made)
      return ended("InstallFailed", made.error().message, 1);
  }
  if (auto written = writeFileAtomic(target, *bytes, 0755); !written) {
    return ended("InstallFailed", written.error().message, 1);
  }
  // Not an error where another user owns it already: it was made open by whoever did.
  ::chmod(output.c_str(), 0777);
  return ended("Installed", "the agent is at " + target.string());
}

}  // namespace reprise::agent
