// Runs a command as a child: signals are handed on, output passes through and its end is kept.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"

namespace reprise::agent {

struct ChildResult {
  int exitStatus = 0;  // of the child; 128 + signal where a signal ended it
  int signal = 0;      // 0 if it exited by itself
  std::string tail;    // the last lines of stdout and stderr together, as they came
};

inline constexpr std::size_t kTailBytes = 2048;
inline constexpr std::size_t kTailLines = 20;

// The last kTailLines lines of `text`, at most kTailBytes; a line that is cut begins with "…".
std::string lastLines(const std::string& text);

// Runs `command` (argv) to its end with this process' environment. SIGTERM, SIGINT, SIGHUP,
// SIGQUIT, SIGUSR1 and SIGUSR2 sent to this process reach the child; orphans that end (we are
// process 1 of a container) are reaped. NotFound or Forbidden where the command cannot be started.
// Call it from a process with one thread.
Expected<ChildResult> runChild(const std::vector<std::string>& command);

// Runs `command` with nothing on stdin and returns what it wrote to stdout; killed after `limit`.
// An exit status other than 0 is an error with the end of its stderr.
Expected<std::string> captureOutput(const std::vector<std::string>& command,
                                    std::chrono::seconds limit);

// Where PATH finds `program`; nothing where it is not found or may not be executed. A name with a
// slash is taken as it is.
std::optional<std::string> findProgram(const std::string& program);

// "SIGKILL" for 9.
std::string signalName(int signal);

}  // namespace reprise::agent
