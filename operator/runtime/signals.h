// SIGTERM and SIGINT as a stop token. Made first in main: the threads made later inherit that these
// signals are blocked.
#pragma once

#include <stop_token>
#include <thread>

namespace reprise::runtime {

class StopOnSignals {
 public:
  // Also ignores SIGPIPE: a connection that the other side closed is an error of a write, not the
  // end.
  StopOnSignals();
  ~StopOnSignals();
  // Requested at the first signal. A second one ends the process at once, with 130.
  std::stop_token token() const { return source_.get_token(); }

 private:
  std::stop_source source_;
  std::jthread thread_;
};

}  // namespace reprise::runtime
