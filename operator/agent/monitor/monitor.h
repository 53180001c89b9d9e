// The sidecar in front of a model server: an HTTP/1.1 reverse proxy that sketches what passes. Its
// first duty is to be invisible: a request is forwarded as it came, and what is learned from it is
// learned afterwards, on another thread, from a bounded queue of copies.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "agent/termination.h"
#include "base/time.h"

namespace reprise::agent {

struct MonitorOptions {
  std::string listen = "0.0.0.0:9090";  // --listen: requests, host:port; the host is an IP address
  std::string admin = "0.0.0.0:9091";   // --admin: /healthz /readyz /metrics /windows …
  std::string upstream = "127.0.0.1:8080";  // --upstream: the model server
  std::string protocol = "v2";              // --protocol: v2, v1, json
  std::string model;                        // --model: as it is named in paths; "": any
  std::string version;                      // --version: the ModelVersion that this Pod serves
  // --input: a directory with profile.json (a drift::ProfileDocument) or basis.json (a
  // drift::Basis, or null); "": none
  std::string input;
  std::string golden;  // --golden: file of golden requests; "": none are asked
  Milliseconds goldenTimeout{
      120'000};  // --golden-timeout: until the model server must have answered

  int threads = 1;                        // --threads: that forward requests
  std::size_t maxConnections = 4096;      // --max-connections: of clients, over all threads
  std::size_t maxHeaderBytes = 64 << 10;  // --max-header-bytes: else 431
  Milliseconds headerLimit{10'000};       // --header-timeout: from a head's first byte to its last
  Milliseconds idleLimit{75'000};         // --idle-timeout: of a kept connection
  Milliseconds bodyIdle{30'000};  // --body-timeout: without a byte of a body, in either direction
  Milliseconds connectLimit{2'000};     // --connect-timeout: to the model server
  Milliseconds upstreamLimit{300'000};  // --upstream-timeout: without a byte of its answer
  Milliseconds tunnelIdle{3'600'000};  // --tunnel-timeout: of an upgraded connection without a byte
  Milliseconds linger{3'000};  // --linger: after SIGTERM not ready, but still taking connections
  Milliseconds drainLimit{25'000};  // --drain-timeout: for requests under way after that
  std::size_t poolSize = 128;       // --pool: idle connections to the model server, a thread

  std::size_t windowRows = 50;        // --window-rows: a window is closed at so many …
  Milliseconds windowAge{5'000};      // --window-age: … or at this age, if it has any
  std::size_t copyBytes = 1 << 20;    // --copy-bytes: longer bodies are forwarded and not profiled
  std::size_t queueBytes = 16 << 20;  // --queue-bytes: of copies that wait to be profiled
  double sampleRate = 2000;           // --sample-rate: requests a second that are profiled at most
  std::string contextHeader;  // --context-header: its value names the kind of data of a request
  std::size_t remembered = 20'000;  // --remember: requests that a label may still come for
  std::size_t labelledBytes =
      8 << 20;  // --labelled-bytes: of labelled rows that are kept for /labelled
  // REPRISE_ROUTES_TOKEN in the environment: who says it may set routes; "": nobody may.
  std::string routesToken;
};

// Runs until SIGTERM or SIGINT. At SIGTERM it is not ready at once, and goes on for `linger`, or
// until another signal: whoever sends requests has to hear of it first. Then no connection is
// accepted any more, requests under way are finished (within drainLimit) and kept connections
// closed. Blocks; call it from the main thread, before others start.
Ending runMonitor(const MonitorOptions& options);

}  // namespace reprise::agent
