// Where a Watcher puts what it sees.
#pragma once

#include "base/result.h"

namespace reprise {
class JsonView;  // json/view.h
}

namespace reprise::kube {

// Called from one thread. Between begin() and end() a full picture is built: apply and remove are
// part of it, and nothing of it counts before end(). A second begin() throws away what the first
// had gathered. What is given is looked at before the call returns.
class WatchSink {
 public:
  virtual ~WatchSink() = default;
  virtual void begin() = 0;
  virtual void apply(JsonView object) = 0;
  virtual void remove(JsonView lastState) = 0;
  virtual void end() = 0;
  virtual void failed(const Error&) {
  }  // a connection could not be made or broke; it will be tried again
  virtual void connected() {}
};

}  // namespace reprise::kube
