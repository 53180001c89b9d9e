// Where a Watcher puts what it sees.
#pragma once

#include <nlohmann/json.hpp>

#include "base/result.h"

namespace reprise::kube {

using Json = nlohmann::json;

// Called from one thread. Between begin() and end() a full picture is built: apply and remove are
// part of it, and nothing of it counts before end(). A second begin() throws away what the first
// had gathered.
class WatchSink {
 public:
  virtual ~WatchSink() = default;
  virtual void begin() = 0;
  virtual void apply(Json object) = 0;
  virtual void remove(Json lastState) = 0;
  virtual void end() = 0;
  virtual void failed(const Error&) {
  }  // a connection could not be made or broke; it will be tried again
  virtual void connected() {}
};

}  // namespace reprise::kube
