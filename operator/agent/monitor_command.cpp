#include "agent/monitor_command.h"

#include <cstdlib>

namespace reprise::agent {

void addMonitor(CLI::App& command, MonitorFlags& flags) {
  MonitorOptions& options = flags.options;
  const auto duration = [&](const char* flag, Milliseconds& field, const char* description) {
    auto& added =
        flags.durations.emplace_back(MonitorFlags::Duration{flag, formatDuration(field), &field});
    command.add_option(flag, added.text, description)->capture_default_str();
  };
  command.add_option("--listen", options.listen, "host:port for requests")->capture_default_str();
  command.add_option("--admin", options.admin, "host:port for readiness, windows and metrics")
      ->capture_default_str();
  command.add_option("--upstream", options.upstream, "host:port of the model server")
      ->capture_default_str();
  command.add_option("--protocol", options.protocol, "of the model server")
      ->check(CLI::IsMember({"v2", "v1", "json"}))
      ->capture_default_str();
  command.add_option("--model", options.model, "as it is named in paths; left out: any");
  command.add_option("--version", options.version, "the ModelVersion that this Pod serves");
  command.add_option("--input", options.input, "directory with profile.json or basis.json");
  command.add_option("--golden", options.golden,
                     "file of golden requests, asked before the Pod is ready");
  duration("--golden-timeout", options.goldenTimeout, "until the model server must have answered");
  command.add_option("--threads", options.threads, "that forward requests")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  command.add_option("--max-connections", options.maxConnections, "of clients")
      ->capture_default_str();
  command.add_option("--max-header-bytes", options.maxHeaderBytes, "of a request")
      ->capture_default_str();
  duration("--header-timeout", options.headerLimit, "from a head's first byte to its last");
  duration("--idle-timeout", options.idleLimit, "of a kept connection");
  duration("--body-timeout", options.bodyIdle, "without a byte of a body");
  duration("--connect-timeout", options.connectLimit, "to the model server");
  duration("--upstream-timeout", options.upstreamLimit, "without a byte of its answer");
  duration("--tunnel-timeout", options.tunnelIdle, "of an upgraded connection without a byte");
  duration("--linger", options.linger, "after SIGTERM not ready, but still taking connections");
  duration("--drain-timeout", options.drainLimit, "for requests under way after that");
  command.add_option("--pool", options.poolSize, "idle connections to the model server, a thread")
      ->capture_default_str();
  command.add_option("--window-rows", options.windowRows, "a window is closed at so many")
      ->capture_default_str();
  duration("--window-age", options.windowAge, "or at this age");
  command.add_option("--copy-bytes", options.copyBytes, "longer bodies are not profiled")
      ->capture_default_str();
  command.add_option("--queue-bytes", options.queueBytes, "of copies that wait to be profiled")
      ->capture_default_str();
  command.add_option("--sample-rate", options.sampleRate, "requests a second that are profiled")
      ->capture_default_str();
  command.add_option("--context-header", options.contextHeader, "its value names the kind of data");
  command.add_option("--remember", options.remembered, "requests that a label may still come for")
      ->capture_default_str();
  command.add_option("--labelled-bytes", options.labelledBytes, "of labelled rows that are kept")
      ->capture_default_str();
}

Ending runMonitorCommand(MonitorFlags& flags) {
  for (const auto& [flag, text, field] : flags.durations) {
    const auto parsed = parseDuration(text);
    if (!parsed) return ended("Usage", flag + ": " + parsed.error().message, 64);
    *field = *parsed;
  }
  // in the environment, where it does not stand in the list of processes
  if (const char* token = std::getenv("REPRISE_ROUTES_TOKEN")) flags.options.routesToken = token;
  return runMonitor(flags.options);
}

}  // namespace reprise::agent
