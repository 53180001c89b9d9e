// What a Pod's monitor says to the operator: a Pod can be taken over.
#include "fuzz/fuzz.h"

#include "signals/monitor_poll.h"

using namespace reprise;

REPRISE_FUZZ_TARGET(text) {
  const auto answer = signals::parseMonitorAnswer(std::string(text), "fuel-1");
  if (!answer) return fuzz::require(!answer.error().message.empty(), "what is refused says why");
  fuzz::require(answer->windows.size() <= signals::kMaxWindows, "more windows than are kept");
  std::int64_t last = -1;
  for (const auto& [seq, window] : answer->windows) {
    fuzz::require(seq > last, "seq does not ascend");
    last = seq;
  }
}
