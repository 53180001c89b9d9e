// Labels whose request has not been seen here. Each waits for it, as it may still be in the queue;
// after a short while it is also told as stray, once, as its request may have gone to another Pod.
// Bounded; the oldest go first. Not thread-safe.
#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <unordered_map>

#include "agent/monitor/label.h"
#include "base/time.h"

namespace reprise::agent::monitor {

inline constexpr std::size_t kStrayAnswer = 1000;  // labels; a reader asks again for the rest

class WaitingLabels {
 public:
  struct Limits {
    std::size_t labels = 2000, bytes = 8 << 20;      // that wait
    std::size_t stray = 4000, strayBytes = 4 << 20;  // that are kept to be told
    Milliseconds wait{1'500};                        // until one is stray
  };
  explicit WaitingLabels(const Limits& limits) : limits_(limits) {}

  // `relayed`: from another Pod, to which it was stray; never stray here, or the Pods would send it
  // round and round. One that waits already under the same id is replaced, and not told again.
  void add(Label label, bool relayed, SteadyTime now);
  // Its request is here: the label, which waits no more.
  std::optional<Label> take(const std::string& id);
  void tick(SteadyTime now);

  // A JSON array of {"seq", "id", "label" or "error"}: those with seq > after, ascending.
  std::string stray(std::int64_t after) const;

 private:
  struct Waiting {
    Label label;
    std::string text;  // `"id":…,"label":…` as it is told
    std::uint64_t serial = 0;
    bool relayed = false, told = false;
    std::size_t bytes() const { return sizeof(Waiting) + 2 * label.id.size() + 2 * text.size(); }
  };
  struct Place {
    std::string id;
    std::uint64_t serial;  // another one: it was taken, and the id came again
    SteadyTime since;
  };
  struct Stray {
    std::int64_t seq;
    std::string text;
  };
  Waiting* at(const Place& place);
  void tell(const Place& place);
  void dropOldest();

  const Limits limits_;
  std::unordered_map<std::string, Waiting> waiting_;
  std::deque<Place> order_;  // oldest first; some are gone from waiting_
  std::size_t looked_ = 0;   // of order_: how many have waited long enough
  std::size_t bytes_ = 0, strayBytes_ = 0;
  std::uint64_t serial_ = 0;
  std::int64_t seq_ = 0;
  std::deque<Stray> stray_;
};

}  // namespace reprise::agent::monitor
