// Which events are sent, and as what: client-go's rules, so that a loop of events cannot press on
// etcd. Pure but for the clock; not thread-safe.
//
// * The same again (object, type, reason, message): one Event whose count grows.
// * After 10 different messages of one object, type and reason within 10 min: one Event for all
// further ones.
// * An object has 25 events in a burst, then 1 every 5 min; what is more is dropped.
#pragma once

#include <cstdint>
#include <list>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>

#include "api/plan.h"
#include "base/time.h"
#include "runtime/subject.h"

namespace reprise::runtime {

class EventCorrelator {
 public:
  struct Limits {
    std::size_t similar = 10;
    Milliseconds window{600'000};
    double burst = 25;
    Milliseconds refill{300'000};  // one event an object
    std::size_t objects = 4096;    // remembered; the one longest unused is forgotten first
  };

  // What to send now. `key` identifies the Event; where `existing` is set it was sent before under
  // that name.
  struct Sending {
    std::string key;
    std::string message;
    std::int64_t count = 1;
    Time first, last;
    std::string existing;
  };

  explicit EventCorrelator(const Clock& clock) : EventCorrelator(clock, Limits()) {}
  EventCorrelator(const Clock& clock, Limits limits) : clock_(clock), limits_(limits) {}

  // Nothing where the event is dropped.
  std::optional<Sending> next(const Subject& about, const api::EventDraft& event);
  // It was created under this name; "" where the server no longer has it.
  void sent(const Subject& about, const std::string& key, const std::string& name);
  std::size_t remembered() const { return objects_.size(); }

 private:
  struct Similar {
    std::set<std::string> messages;
    SteadyTime last{};
  };
  struct Counted {
    std::int64_t count = 0;
    Time first{};
    std::string name;
    SteadyTime last{};
  };
  struct Object {
    double tokens = 0;
    SteadyTime filled{};
    std::unordered_map<std::string, Similar> similar;  // by type and reason
    std::unordered_map<std::string, Counted> counted;  // by type, reason and message
    std::list<std::string>::iterator used;
  };

  static std::string idOf(const Subject& about);
  Object& touch(const std::string& id);
  bool spend(Object& object);
  void forgetOld(Object& object);

  const Clock& clock_;
  const Limits limits_;
  std::unordered_map<std::string, Object> objects_;
  std::list<std::string> order_;  // the longest unused first
};

}  // namespace reprise::runtime
