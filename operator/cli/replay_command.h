// kubectl reprise replay: what would have been decided over a file of rows.
#pragma once

#include <functional>

#include <CLI/CLI.hpp>

namespace reprise::cli {

// What a subcommand does once the command line is read; its result is the exit code.
using Action = std::function<int()>;

// Adds the subcommand; `chosen` is set when it is called.
void addReplay(CLI::App& app, Action& chosen);

}  // namespace reprise::cli
