// Starts and stops the parts of the operator in the one order that is safe.
//
//   start:  servers -> caches -> (all synced) -> election -> (elected) -> controllers
//   stop:   controllers (intake, then drain) -> what they hand on to (events) -> caches -> servers
//   -> election
//
// Controllers never see half a cache: it would look as if their children were gone. The lease is
// given up last, when nothing of this process writes any more; and not at all where a worker could
// not be ended.
#pragma once

#include <condition_variable>
#include <mutex>
#include <stop_token>
#include <string>
#include <vector>

#include "base/time.h"
#include "runtime/runnable.h"

namespace reprise::runtime {

class Manager {
 public:
  struct Options {
    Milliseconds syncPoll{5};
    Milliseconds syncWarn{30'000};  // how often it says which caches it still waits for
  };

  explicit Manager(const Clock& clock) : Manager(clock, Options()) {}
  Manager(const Clock& clock, Options options) : clock_(clock), options_(options) {}

  // All are owned by the caller and outlive run().
  void addServer(Runnable& server) { servers_.push_back(&server); }
  void addCache(Runnable& cache) { caches_.push_back(&cache); }
  void addController(Runnable& controller) { controllers_.push_back(&controller); }
  void addSink(Runnable& sink) {
    sinks_.push_back(&sink);
  }  // started before controllers, stopped after them
  // Without one the controllers start as soon as the caches are synced. Its onElected calls
  // elected().
  void setElection(Runnable& election) { election_ = &election; }

  // From the election's thread: this process leads now.
  void elected();

  // Until `stop` is requested. True where all ended in order. False where something still runs:
  // then the lease is kept, and the process must end at once (std::_Exit), as destructors would
  // wait for it.
  bool run(std::stop_token stop);

  // For /readyz: the caches are synced, whether or not this process leads. A follower that was not
  // ready would never let a rolling update go on.
  bool ready() const;
  std::vector<std::string> unsynced() const;

 private:
  bool waitSynced(std::stop_token stop);
  bool shutDown();

  const Clock& clock_;
  const Options options_;
  std::vector<Runnable*> servers_, caches_, controllers_, sinks_;
  Runnable* election_ = nullptr;
  mutable std::mutex mutex_;
  std::condition_variable_any wake_;
  bool elected_ = false, ready_ = false;
};

}  // namespace reprise::runtime
