// `monitor`: its flags, as monitor/monitor.h describes them.
#pragma once

#include <deque>
#include <string>
#include <utility>

#include <CLI/CLI.hpp>

#include "agent/monitor/monitor.h"

namespace reprise::agent {

struct MonitorFlags {
  MonitorOptions options;
  // Durations as they were written, each with the field that it is for.
  struct Duration {
    std::string flag, text;
    Milliseconds* field;
  };
  std::deque<Duration> durations;  // a deque: the parser holds on to their addresses
};

void addMonitor(CLI::App& command, MonitorFlags& flags);
Ending runMonitorCommand(MonitorFlags& flags);

}  // namespace reprise::agent
