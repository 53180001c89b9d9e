#include "agent/inspect.h"

#include <cctype>
#include <sstream>

#include "agent/child.h"
#include "agent/files.h"

namespace reprise::agent {
namespace {

// -I keeps the user's working directory (which may hold a json.py) off the path while this runs;
// what PYTHONPATH and the user's site directory hold is importable by the command, so it is looked
// at as well. sitecustomize may print: the answer begins behind a marker.
constexpr const char* kMarker = "\x1ereprise:";
constexpr const char* kQuestion = R"py(
import json, os, platform, site, sys
try:
    from importlib import metadata
except ImportError:
    metadata = None
paths = [p for p in os.environ.get("PYTHONPATH", "").split(os.pathsep) if p]
if not os.environ.get("PYTHONNOUSERSITE") and sys.prefix == sys.base_prefix:
    paths.append(site.getusersitepackages())
packages = {}
for found in metadata.distributions(path=paths + sys.path) if metadata else ():
    try:
        name, version = found.metadata["Name"], found.version
    except Exception:
        continue
    if name and version:
        packages.setdefault(name, version)
sys.stdout.write("\x1ereprise:" + json.dumps({"python": platform.python_version(), "packages": packages}))
)py";

bool isPython(const std::string& program) {
  const std::string name = program.substr(program.rfind('/') + 1);
  for (const std::string_view prefix : {"python", "pypy"}) {
    if (name.starts_with(prefix) &&
        name.find_first_not_of("0123456789.", prefix.size()) == std::string::npos) {
      return true;
    }
  }
  return false;
}

// "#!/usr/bin/env python3 -u" names python3.
std::optional<std::string> shebangPython(const std::string& script) {
  auto bytes = readFile(script, 256u << 20);
  if (!bytes || !bytes->starts_with("#!")) return std::nullopt;
  std::istringstream words(bytes->substr(2, bytes->find('\n') - 2));
  for (std::string word; words >> word;) {
    if (isPython(word)) return findProgram(word);
  }
  return std::nullopt;
}

}  // namespace

std::optional<std::string> interpreterOf(const std::vector<std::string>& command) {
  // "env A=b python train.py" and "nice python train.py" are common: the first word that is a
  // python wins, as long as no script comes before it.
  for (std::size_t i = 0; i < command.size() && i < 4; ++i) {
    if (!isPython(command[i])) continue;
    if (auto found = findProgram(command[i])) return found;
  }
  if (!command.empty()) {
    if (const auto script = findProgram(command[0])) {
      if (auto found = shebangPython(*script)) return found;
    }
  }
  if (auto found = findProgram("python3")) return found;
  return findProgram("python");
}

Expected<Environment> inspectEnvironment(const std::vector<std::string>& command) {
  Environment out;
  out.platform = currentPlatform();
  const auto interpreter = interpreterOf(command);
  if (!interpreter) return out;
  auto answer = captureOutput({*interpreter, "-I", "-c", kQuestion}, std::chrono::seconds(60));
  if (!answer) return tl::unexpected(answer.error());
  const auto marker = answer->rfind(kMarker);
  if (marker == std::string::npos) {
    return fail(ErrorCode::Internal, *interpreter + " did not tell its version and packages");
  }
  auto json = parseJson(std::string_view(*answer).substr(marker + std::string_view(kMarker).size()),
                        *interpreter);
  if (!json) return tl::unexpected(json.error());
  auto found = environmentFromJson(*json, *interpreter);
  if (!found) return found;
  found->platform = out.platform;
  return found;
}

}  // namespace reprise::agent
