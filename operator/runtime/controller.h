// A loop around a reconcile function: takes keys from a queue, works on them, and decides when each
// is looked at again.
#pragma once

#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "runtime/metrics.h"
#include "runtime/runnable.h"
#include "runtime/work_queue.h"

namespace reprise::runtime {

// Well: look again after this long, or only when something changes. Or why it went wrong.
using Outcome = Expected<std::optional<Milliseconds>>;

class Controller final : public Runnable {
 public:
  struct Options {
    std::string name;
    std::size_t workers = 2;
    WorkQueue::Options queue;
    Milliseconds catchUpPoll{20};  // while the caches have not seen our own writes
    Milliseconds catchUpLimit{
        60'000};  // then it is planned all the same, with a warning: names and versions
                  // still keep it safe, and nothing waits for ever
    Milliseconds conflictMax{
        1'000};  // back-off after conflicts is short: somebody wrote, read again
    Milliseconds retryableMax{
        30'000};  // once the API server is back its outage is over within this
    Milliseconds permanentMin{60'000};  // errors that need a hand are tried again no sooner
    Milliseconds drainLimit{20'000};    // at stop
  };
  struct Hooks {
    // Reads the object from the cache, plans and acts. Also called for one that is gone: then it
    // forgets it. An exception is an Internal error.
    std::function<Outcome(const Key&)> reconcile;
    std::function<bool(const Key&)> caughtUp;    // see SeenWrites; none = always
    std::function<std::vector<Key>()> everyKey;  // all there are, after the queue had overflowed
  };

  // `metrics` may be asked for its text only while this lives.
  Controller(const Clock& clock, Options options, Hooks hooks, Metrics* metrics = nullptr);
  ~Controller() override { stop(); }

  // What the handlers of caches call. Never blocks. Keys gather also while this process does not
  // lead.
  void enqueue(const Key& key, Priority priority = Priority::High) { queue_.add(key, priority); }

  std::string name() const override { return options_.name; }
  void start() override;
  bool stop() override;

  // Works on one key if one is ready: what the workers do, for tests. False where none was.
  bool step();
  WorkQueue& queue() { return queue_; }

 private:
  void work(const Key& key);
  Outcome reconcile(const Key& key);
  // What of a wait that the server asked for is left: a change of the object does not cut it short.
  Milliseconds heldFor(const Key& key);
  bool waitsForCaches(const Key& key);
  void again(const Key& key, const Outcome& outcome);
  void refill();

  const Clock& clock_;
  const Options options_;
  const Hooks hooks_;
  Metrics* const metrics_;
  WorkQueue queue_;
  std::mutex mutex_;
  std::map<Key, SteadyTime> waitingSince_;
  std::map<Key, SteadyTime> heldUntil_;  // by Retry-After
  std::vector<std::thread> threads_;
};

}  // namespace reprise::runtime
