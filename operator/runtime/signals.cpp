#include "runtime/signals.h"

#include <pthread.h>
#include <signal.h>

#include <cstdlib>

namespace reprise::runtime {
namespace {

sigset_t stopSignals() {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGTERM);
  sigaddset(&set, SIGINT);
  return set;
}

}  // namespace

StopOnSignals::StopOnSignals() {
  const sigset_t set = stopSignals();
  pthread_sigmask(SIG_BLOCK, &set, nullptr);
  signal(SIGPIPE, SIG_IGN);
  thread_ = std::jthread([source = source_](std::stop_token ended) mutable {
    const sigset_t waited = stopSignals();
    const timespec poll{0, 100'000'000};  // only to see that the owner is gone
    while (!ended.stop_requested()) {
      if (sigtimedwait(&waited, nullptr, &poll) < 0) continue;
      if (!source.request_stop()) std::_Exit(130);
    }
  });
}

StopOnSignals::~StopOnSignals() = default;

}  // namespace reprise::runtime
