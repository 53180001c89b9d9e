#include "agent/monitor/monitor.h"

#include <csignal>

#include <spdlog/spdlog.h>

#include "agent/monitor/process.h"

namespace reprise::agent {

Ending runMonitor(const MonitorOptions& options) {
  // Blocked before any thread starts, so that none of them takes the signal that this one waits
  // for.
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGTERM);
  sigaddset(&signals, SIGINT);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  std::signal(SIGPIPE, SIG_IGN);

  monitor::Process process(options);
  if (auto good = process.start(); !good) return ended("BadFlags", good.error().message, 2);
  spdlog::info("monitor: {} → {}, admin {}, protocol {}, version {}", options.listen,
               options.upstream, options.admin, options.protocol, options.version);
  int signal = 0;
  sigwait(&signals, &signal);
  spdlog::info("monitor: {}, requests under way are finished",
               signal == SIGTERM ? "SIGTERM" : "SIGINT");
  if (process.stop()) return ended("Ended", "ended orderly at a signal", 0);
  return ended("DrainTimeout",
               "requests under way were not answered within --drain-timeout " +
                   formatDuration(options.drainLimit) + " and were cut off",
               1);
}

}  // namespace reprise::agent
