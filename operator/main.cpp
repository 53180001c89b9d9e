// reprise-operator: wires the parts and nothing else.
#include <openssl/crypto.h>
#include <spdlog/spdlog.h>

#include <malloc.h>

#include <cstdlib>

#include "http/cpprest_transport.h"
#include "operator.h"
#include "options.h"
#include "runtime/signals.h"

int main(int argc, char** argv) {
  // Each thread with a heap of its own keeps what another one could use, and threads wait for the
  // API server rather than for memory.
  mallopt(M_ARENA_MAX, 2);
  // A thread of the HTTP library's pool may free a TLS context while the process ends: no clean-up
  // by atexit.
  OPENSSL_init_crypto(OPENSSL_INIT_NO_ATEXIT, nullptr);
  const reprise::runtime::StopOnSignals signals;
  reprise::http::initialiseCpprest();
  int exitCode = 0;
  const auto options = reprise::parseOptions(argc, argv, exitCode);
  if (!options) return exitCode;
  spdlog::set_level(spdlog::level::from_str(options->logLevel));
  spdlog::set_pattern("%Y-%m-%dT%H:%M:%S.%eZ %^%l%$ %v", spdlog::pattern_time_type::utc);
  auto made = reprise::Operator::make(*options, reprise::http::makeCpprestTransport);
  if (!made) {
    spdlog::critical("{}", made.error().message);
    return 1;
  }
  if (!(*made)->run(signals.token())) {
    spdlog::shutdown();
    std::_Exit(1);  // something still runs: destructors would wait for it
  }
  return 0;
}
