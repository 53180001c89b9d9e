// How a subcommand says how it ended: one JSON object in the container's termination log, which the
// operator reads from the Pod's status and turns into a condition.
#pragma once

#include <string>

#include <nlohmann/json.hpp>

#include "base/result.h"

namespace reprise::agent {

// The kubelet cuts a termination message at 4096 bytes, which would leave half a JSON object.
inline constexpr std::size_t kTerminationBytes = 4096;

struct Ending {
  std::string reason;   // CamelCase
  std::string message;  // a sentence that names the file, line or field and the mend
  int exitCode = 0;
  nlohmann::json more =
      nlohmann::json::object();  // further members, such as "environment" or "metrics"
};

inline Ending ended(std::string reason, std::string message, int exitCode = 0) {
  return Ending{std::move(reason), std::move(message), exitCode, nlohmann::json::object()};
}

// One line of JSON of at most kTerminationBytes. What does not fit is cut from the message's middle
// (its head names the problem, its tail has the last lines of output); members of `more` that leave
// no room are left out.
std::string terminationJson(const Ending& ending);

// Writes the object to `path` (skipped where it is "") and the text to stderr; returns the exit
// code. A log that cannot be written is said on stderr and changes nothing: the exit code still
// tells the kubelet.
int report(const Ending& ending, const std::string& path);

// Replaces bytes that are no UTF-8 by '?': the output of a user's program may be anything.
std::string asUtf8(std::string_view text);

}  // namespace reprise::agent
