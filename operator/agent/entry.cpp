#include "agent/entry.h"

#include <sys/stat.h>

#include <csignal>
#include <optional>

#include "agent/child.h"
#include "agent/environment.h"
#include "agent/files.h"
#include "agent/inspect.h"

namespace reprise::agent {
namespace {

constexpr int kConfigError = 78;  // EX_CONFIG of sysexits.h

Expected<void> record(const Environment& environment, const fs::path& output) {
  const fs::path directory = output / ".reprise";
  if (auto made = makeDirectories(directory); !made) return made;
  // Another step may run as another user: both may write here. Fails where another user owns it,
  // which is fine.
  ::chmod(directory.c_str(), 0777);
  return writeFileAtomic(directory / "environment.json", toJson(environment).dump(2) + "\n");
}

// "environment": what is there, and what is different from the one in force.
nlohmann::json describe(const Environment& environment, const fs::path& inForce) {
  nlohmann::json out = {{"python", environment.python}};
  if (inForce.empty() || !fs::exists(inForce)) return out;
  auto json = readJson(inForce);
  auto before =
      json ? environmentFromJson(*json, inForce.filename().string()) : tl::unexpected(json.error());
  if (before)
    out["changed"] = changesBetween(*before, environment);
  else
    std::fprintf(stderr, "reprise: not compared with the environment in force: %s\n",
                 before.error().message.c_str());
  return out;
}

// Nothing where the pin holds.
std::optional<Ending> refuse(const EntryOptions& options, const Environment& environment) {
  std::vector<PackagePin> pins;
  if (!options.expectPackages.empty()) {
    auto text = readFile(options.expectPackages);
    auto parsed = text ? parsePackagePins(*text, options.expectPackages.filename().string())
                       : tl::unexpected(text.error());
    if (!parsed) return ended("EnvironmentPinMalformed", parsed.error().message, kConfigError);
    pins = std::move(*parsed);
  }
  const std::string mismatch = pinMismatch(environment, options.expectPython, pins);
  if (mismatch.empty()) return std::nullopt;
  return ended("EnvironmentMismatch", mismatch, kConfigError);
}

std::string lastLinesClause(const std::string& tail) {
  return tail.empty() ? "; it printed nothing" : "; its last lines:\n" + tail;
}

Ending startFailure(const EntryOptions& options, const Error& error) {
  const std::string field = "spec." + options.step + ".command";
  std::string message =
      "step " + options.step + ": cannot run '" + options.command[0] + "': " + error.message;
  if (error.code == ErrorCode::NotFound) {
    return ended("StepFailed", message + "; " + field + " must name a program that is in the image",
                 127);
  }
  return ended("StepFailed",
               message + "; make it executable in the image, or name its interpreter in " + field,
               126);
}

Ending childEnding(const EntryOptions& options, const ChildResult& result) {
  if (result.exitStatus == 0) return ended("Completed", "step " + options.step + " completed");
  std::string message = "step " + options.step;
  if (result.signal) {
    message += " was ended by " + signalName(result.signal);
    // SIGKILL from nobody in particular is the kernel's out-of-memory killer.
    if (result.signal == SIGKILL) {
      message += ", most often for want of memory: raise spec." + options.step +
                 ".resources.limits.memory";
    }
  } else {
    message += " ended with exit status " + std::to_string(result.exitStatus);
  }
  return ended("StepFailed", message + lastLinesClause(result.tail), result.exitStatus);
}

}  // namespace

Ending runEntry(const EntryOptions& options) {
  if (options.command.empty()) {
    return ended("StepFailed",
                 "step " + options.step + " has no command; set spec." + options.step + ".command",
                 kConfigError);
  }
  auto environment = inspectEnvironment(options.command);
  if (!environment)
    return ended("EnvironmentUnreadable", environment.error().message, kConfigError);
  nlohmann::json described = describe(*environment, options.environmentInForce);
  const auto with = [&](Ending ending) {
    ending.more["environment"] = described;
    return ending;
  };
  if (auto recorded = record(*environment, options.output); !recorded) {
    return with(ended("StepFailed", recorded.error().message, 1));
  }
  if (auto refused = refuse(options, *environment)) return with(std::move(*refused));
  auto result = runChild(options.command);
  if (!result) return with(startFailure(options, result.error()));
  return with(childEnding(options, *result));
}

}  // namespace reprise::agent
