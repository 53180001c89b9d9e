// Events that were taken and not yet written down in a status. Bounded; thread-safe.
#pragma once

#include <deque>
#include <map>
#include <mutex>
#include <string>
#include <vector>

#include "base/time.h"
#include "signals/drift_signal.h"

namespace reprise::signals {

struct Received {
  DriftSignal signal;
  Time at;  // by our clock
};

class Inbox {
 public:
  enum class Verdict {
    Taken,
    Duplicate,  // the same event came before: nothing is to be done
    Reused,     // its id is that of another event
    Full,       // kMaxPending wait already
  };

  // `owner`: "namespace/name"; `digest`: of what the event says. Ids count for each source.
  Verdict put(const std::string& owner, DriftSignal signal, const std::string& digest, Time at);
  // Oldest first. They stay until they are done().
  std::vector<Received> pending(const std::string& owner) const;
  // Those are in the status now.
  void done(const std::string& owner, const std::vector<Received>& handled);
  void forget(const std::string& owner);

  static constexpr std::size_t kMaxPending = 16;       // an owner
  static constexpr std::size_t kMaxRemembered = 1024;  // ids, an owner

 private:
  struct Owner {
    std::deque<Received> pending;
    std::deque<std::pair<std::string, std::string>> remembered;  // source and id → digest
  };
  mutable std::mutex mutex_;
  std::map<std::string, Owner> owners_;
};

}  // namespace reprise::signals
