#include "runtime/work_queue.h"

#include <algorithm>
#include <chrono>
#include <utility>

namespace reprise::runtime {

WorkQueue::WorkQueue(const Clock& clock, Options options)
    : clock_(clock), options_(std::move(options)) {}

bool WorkQueue::add(const Key& key, Priority priority) {
  const std::lock_guard lock(mutex_);
  return addLocked(key, priority);
}

bool WorkQueue::addLocked(const Key& key, Priority priority) {
  if (shutDown_) return false;
  const auto found = dirty_.find(key);
  if (found != dirty_.end()) {
    const bool held = processing_.contains(key);
    if (priority > found->second.priority) {
      found->second.priority = priority;
      if (!held)
        enqueueLocked(key, priority);  // the entry in the lower queue is skipped when it comes up
    }
    return true;
  }
  if (fullLocked()) {
    overflow_ = true;
    return false;
  }
  dirty_.emplace(key, Waiting{priority, clock_.steady()});
  if (!processing_.contains(key)) enqueueLocked(key, priority);
  return true;
}

void WorkQueue::enqueueLocked(const Key& key, Priority priority) {
  (priority == Priority::High ? high_ : low_).push_back(key);
  ready_.notify_one();
}

bool WorkQueue::addAfter(const Key& key, Milliseconds delay, Priority priority) {
  const std::lock_guard lock(mutex_);
  if (delay <= Milliseconds{0}) return addLocked(key, priority);
  if (shutDown_) return false;
  const SteadyTime due = clock_.steady() + delay;
  const auto found = delayed_.find(key);
  if (found != delayed_.end()) {
    if (found->second.due <= due) return true;
    found->second = {due, std::max(priority, found->second.priority)};
  } else if (fullLocked()) {
    overflow_ = true;
    return false;
  } else {
    delayed_.emplace(key, DelayedState{due, priority});
  }
  heap_.push({due, key});
  ready_.notify_one();  // a sleeper may have to sleep shorter
  return true;
}

Milliseconds WorkQueue::backOff(const Key& key) {
  const std::lock_guard lock(mutex_);
  const std::size_t before = failures_[key]++;
  Milliseconds delay = options_.backoffBase;
  for (std::size_t i = 0; i < before && delay < options_.backoffMax; ++i) delay *= 2;
  return std::min(delay, options_.backoffMax);
}

Milliseconds WorkQueue::addRateLimited(const Key& key) {
  const Milliseconds delay = backOff(key);
  addAfter(key, delay);
  return delay;
}

void WorkQueue::forget(const Key& key) {
  const std::lock_guard lock(mutex_);
  failures_.erase(key);
}

std::size_t WorkQueue::failures(const Key& key) const {
  const std::lock_guard lock(mutex_);
  const auto found = failures_.find(key);
  return found == failures_.end() ? 0 : found->second;
}

void WorkQueue::moveDueLocked() {
  const SteadyTime now = clock_.steady();
  while (!heap_.empty() && heap_.top().due <= now) {
    const Delayed top = heap_.top();
    heap_.pop();
    const auto found = delayed_.find(top.key);
    if (found == delayed_.end() || found->second.due != top.due)
      continue;  // replaced by an earlier one
    const Priority priority = found->second.priority;
    delayed_.erase(found);
    addLocked(top.key, priority);
  }
}

std::optional<Key> WorkQueue::popLocked(SteadyTime* since) {
  for (std::deque<Key>* queue : {&high_, &low_}) {
    while (!queue->empty()) {
      Key key = std::move(queue->front());
      queue->pop_front();
      const auto found = dirty_.find(key);
      const Priority here = queue == &high_ ? Priority::High : Priority::Low;
      if (found == dirty_.end() || found->second.priority != here || processing_.contains(key))
        continue;
      *since = found->second.since;
      dirty_.erase(found);
      processing_.insert(key);
      return key;
    }
  }
  return std::nullopt;
}

std::optional<Key> WorkQueue::tryTake() {
  std::optional<Key> key;
  SteadyTime since;
  {
    const std::lock_guard lock(mutex_);
    if (shutDown_) return std::nullopt;
    moveDueLocked();
    key = popLocked(&since);
  }
  if (key && options_.onLag) {
    options_.onLag(std::chrono::duration_cast<Milliseconds>(clock_.steady() - since));
  }
  return key;
}

std::optional<Key> WorkQueue::take() {
  for (;;) {
    if (auto key = tryTake()) return key;
    std::unique_lock lock(mutex_);
    if (shutDown_) return std::nullopt;
    moveDueLocked();
    if (!high_.empty() || !low_.empty()) continue;
    if (heap_.empty()) {
      ready_.wait(lock);
    } else {
      ready_.wait_for(lock, heap_.top().due - clock_.steady());
    }
  }
}

void WorkQueue::done(const Key& key) {
  const std::lock_guard lock(mutex_);
  processing_.erase(key);
  const auto found = dirty_.find(key);
  if (found != dirty_.end() && !shutDown_) enqueueLocked(key, found->second.priority);
  if (processing_.empty()) idle_.notify_all();
}

void WorkQueue::shutDown() {
  const std::lock_guard lock(mutex_);
  shutDown_ = true;
  high_.clear();
  low_.clear();
  dirty_.clear();
  delayed_.clear();
  heap_ = {};
  ready_.notify_all();
}

bool WorkQueue::waitIdle(Milliseconds limit) {
  std::unique_lock lock(mutex_);
  return idle_.wait_for(lock, limit, [&] { return processing_.empty(); });
}

bool WorkQueue::takeOverflow() {
  const std::lock_guard lock(mutex_);
  return std::exchange(overflow_, false);
}

std::size_t WorkQueue::depth() const {
  const std::lock_guard lock(mutex_);
  std::size_t held = 0;
  for (const Key& key : processing_) held += dirty_.contains(key);
  return dirty_.size() - held;
}

std::size_t WorkQueue::delayed() const {
  const std::lock_guard lock(mutex_);
  return delayed_.size();
}

}  // namespace reprise::runtime
