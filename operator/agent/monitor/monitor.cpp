#include "agent/monitor/monitor.h"

#include <csignal>
#include <ctime>

#include <spdlog/spdlog.h>

#include "agent/monitor/process.h"

namespace reprise::agent {
namespace {

timespec timeOf(Milliseconds duration) {
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(duration);
  const std::chrono::nanoseconds rest = duration - seconds;
  return {static_cast<time_t>(seconds.count()), static_cast<long>(rest.count())};
}

}  // namespace

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
  if (signal == SIGTERM && options.linger > Milliseconds::zero()) {
    spdlog::info("monitor: SIGTERM, not ready; ends in {}", formatDuration(options.linger));
    process.leave();
    const auto limit = timeOf(options.linger);
    sigtimedwait(&signals, nullptr, &limit);
  }
  spdlog::info("monitor: requests under way are finished");
  if (process.stop()) return ended("Ended", "ended orderly at a signal", 0);
  return ended("DrainTimeout",
               "requests under way were not answered within --drain-timeout " +
                   formatDuration(options.drainLimit) + " and were cut off",
               1);
}

}  // namespace reprise::agent
