#include "runtime/event_correlator.h"

#include <algorithm>
#include <chrono>

namespace reprise::runtime {

std::string EventCorrelator::idOf(const Subject& about) {
  return about.resource.plural + "/" + about.ns + "/" + about.name + "/" + about.uid;
}

EventCorrelator::Object& EventCorrelator::touch(const std::string& id) {
  const auto found = objects_.find(id);
  if (found != objects_.end()) {
    order_.splice(order_.end(), order_, found->second.used);
    return found->second;
  }
  if (objects_.size() >= limits_.objects) {
    objects_.erase(order_.front());
    order_.pop_front();
  }
  Object& made = objects_[id];
  made.tokens = limits_.burst;
  made.filled = clock_.steady();
  made.used = order_.insert(order_.end(), id);
  return made;
}

bool EventCorrelator::spend(Object& object) {
  const SteadyTime now = clock_.steady();
  const std::chrono::duration<double> passed = now - object.filled, refill = limits_.refill;
  object.tokens = std::min(limits_.burst, object.tokens + passed / refill);
  object.filled = now;
  // Not a whole number after many small refills; a billionth short is there.
  if (object.tokens < 1 - 1e-9) return false;
  object.tokens -= 1;
  return true;
}

// The server keeps an Event for an hour; counting on from one that is gone would only cost a failed
// patch.
void EventCorrelator::forgetOld(Object& object) {
  const SteadyTime now = clock_.steady();
  std::erase_if(object.similar,
                [&](const auto& item) { return now - item.second.last > limits_.window; });
  std::erase_if(object.counted,
                [&](const auto& item) { return now - item.second.last > std::chrono::hours{1}; });
}

std::optional<EventCorrelator::Sending> EventCorrelator::next(const Subject& about,
                                                              const api::EventDraft& event) {
  Object& object = touch(idOf(about));
  forgetOld(object);
  const SteadyTime now = clock_.steady();
  const std::string group = (event.warning ? "Warning/" : "Normal/") + event.reason;

  Similar& similar = object.similar[group];
  similar.last = now;
  // Bounded: beyond the limit only their number matters.
  if (similar.messages.size() < limits_.similar) similar.messages.insert(event.message);
  const bool combined = !similar.messages.contains(event.message);

  if (!spend(object)) return std::nullopt;
  Sending out;
  out.key = combined ? group : group + "/" + event.message;
  out.message = combined ? "(combined from similar events): " + event.message : event.message;
  Counted& counted = object.counted[out.key];
  if (counted.count++ == 0) counted.first = clock_.now();
  counted.last = now;
  out.count = counted.count;
  out.first = counted.first;
  out.last = clock_.now();
  out.existing = counted.name;
  return out;
}

void EventCorrelator::sent(const Subject& about, const std::string& key, const std::string& name) {
  const auto found = objects_.find(idOf(about));
  if (found == objects_.end()) return;
  const auto counted = found->second.counted.find(key);
  if (counted != found->second.counted.end()) counted->second.name = name;
}

}  // namespace reprise::runtime
