// A queue of keys with client-go's rules: a key is waiting at most once, is worked on by at most
// one worker, and one that was added while it was worked on comes back when that worker is done.
// Thread-safe.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <functional>
#include <mutex>
#include <optional>
#include <queue>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "base/time.h"
#include "runtime/key.h"

namespace reprise::runtime {

// What a restart lists waits behind what changes now: thousands of old objects must not delay a
// user's edit.
enum class Priority { Low, High };

class WorkQueue {
 public:
  struct Options {
    std::size_t capacity = 100'000;  // keys waiting, delayed ones included
    Milliseconds backoffBase{5};     // first delay of addRateLimited; doubles each time
    Milliseconds backoffMax{1'000'000};
    // Called without the lock held, from the thread that takes: how long the key was ready before
    // it was taken.
    std::function<void(Milliseconds)> onLag;
  };

  explicit WorkQueue(const Clock& clock) : WorkQueue(clock, Options()) {}
  WorkQueue(const Clock& clock, Options options);

  // False where the key was not taken in: the queue is full (see takeOverflow) or shut down.
  bool add(const Key& key, Priority priority = Priority::High);
  // Of several delays of one key the earliest counts. Not positive = now.
  bool addAfter(const Key& key, Milliseconds delay, Priority priority = Priority::High);
  // After the key's own back-off, which this call doubles. Returns the delay.
  Milliseconds addRateLimited(const Key& key);
  // The same without adding: the delay, for a caller who bends it.
  Milliseconds backOff(const Key& key);
  // The key went well: its back-off starts anew.
  void forget(const Key& key);
  std::size_t failures(const Key& key) const;

  // Blocks until a key is ready; nothing after shutDown. The key is the caller's until done(key).
  std::optional<Key> take();
  // The same without waiting: nothing also where no key is ready.
  std::optional<Key> tryTake();
  void done(const Key& key);

  // Ends the intake and wakes every taker. Keys that still wait are dropped, not worked off: there
  // can be thousands, the grace period of a Pod is short, and whoever leads next lists everything
  // anyway.
  void shutDown();
  // True once no worker holds a key, false after `limit` of wall time.
  bool waitIdle(Milliseconds limit);

  // Whether a key was refused for want of room since the last call: the owner must then list
  // everything again.
  bool takeOverflow();
  std::size_t depth() const;  // ready to be taken
  std::size_t delayed() const;

 private:
  struct Waiting {
    Priority priority;
    SteadyTime since;
  };
  struct Delayed {
    SteadyTime due;
    Key key;
    bool operator>(const Delayed& other) const { return due > other.due; }
  };
  struct DelayedState {
    SteadyTime due;
    Priority priority;
  };

  bool addLocked(const Key& key, Priority priority);
  void enqueueLocked(const Key& key, Priority priority);
  void moveDueLocked();
  std::optional<Key> popLocked(SteadyTime* since);
  bool fullLocked() const { return dirty_.size() + delayed_.size() >= options_.capacity; }

  const Clock& clock_;
  const Options options_;
  mutable std::mutex mutex_;
  std::condition_variable ready_, idle_;
  std::unordered_map<Key, Waiting, KeyHash> dirty_;  // wants work, waiting or held
  std::unordered_set<Key, KeyHash> processing_;      // held by a worker
  std::deque<Key> high_, low_;                       // may hold keys that moved: dirty_ decides
  std::priority_queue<Delayed, std::vector<Delayed>, std::greater<>>
      heap_;  // as above: delayed_ decides
  std::unordered_map<Key, DelayedState, KeyHash> delayed_;
  std::unordered_map<Key, std::size_t, KeyHash> failures_;
  bool shutDown_ = false;
  bool overflow_ = false;
};

}  // namespace reprise::runtime
