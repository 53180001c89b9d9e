#include "runtime/controller.h"

#include <algorithm>
#include <exception>
#include <utility>

#include <spdlog/spdlog.h>

namespace reprise::runtime {
namespace {

WorkQueue::Options measured(WorkQueue::Options options, const std::string& name, Metrics* metrics) {
  if (metrics && !options.onLag) {
    options.onLag = [name, metrics](Milliseconds lag) { metrics->queueLag(name, lag); };
  }
  return options;
}

}  // namespace

Controller::Controller(const Clock& clock, Options options, Hooks hooks, Metrics* metrics)
    : clock_(clock),
      options_(std::move(options)),
      hooks_(std::move(hooks)),
      metrics_(metrics),
      queue_(clock, measured(options_.queue, options_.name, metrics)) {
  // When it is asked for: told by workers, the last word could be one that was overtaken.
  if (metrics_)
    metrics_->beforeText([this] { metrics_->queueDepth(options_.name, queue_.depth()); });
}

void Controller::start() {
  for (std::size_t i = 0; i < options_.workers; ++i) {
    threads_.emplace_back([this] {
      while (const auto key = queue_.take()) work(*key);
    });
  }
}

bool Controller::stop() {
  queue_.shutDown();
  if (!threads_.empty() && !queue_.waitIdle(options_.drainLimit)) {
    spdlog::error("controller {}: a worker did not end within {}", options_.name,
                  formatDuration(options_.drainLimit));
    return false;
  }
  for (std::thread& thread : threads_) thread.join();
  threads_.clear();
  return true;
}

bool Controller::step() {
  const auto key = queue_.tryTake();
  if (key) work(*key);
  return key.has_value();
}

void Controller::work(const Key& key) {
  if (const Milliseconds held = heldFor(key); held > Milliseconds{0}) {
    queue_.addAfter(key, held);
  } else if (waitsForCaches(key)) {
    queue_.addAfter(key, options_.catchUpPoll);
  } else {
    const SteadyTime start = clock_.steady();
    const Outcome outcome = reconcile(key);
    again(key, outcome);
    if (metrics_) {
      metrics_->reconciled(options_.name, outcome ? "ok" : to_string(outcome.error().code),
                           std::chrono::duration_cast<Milliseconds>(clock_.steady() - start));
    }
  }
  queue_.done(key);
  refill();
}

Outcome Controller::reconcile(const Key& key) {
  try {
    return hooks_.reconcile(key);
  } catch (const std::exception& thrown) {
    return fail(ErrorCode::Internal, std::string("an exception, which is a bug: ") + thrown.what());
  }
}

Milliseconds Controller::heldFor(const Key& key) {
  const std::lock_guard lock(mutex_);
  const auto found = heldUntil_.find(key);
  if (found == heldUntil_.end()) return Milliseconds{0};
  const auto left = std::chrono::ceil<Milliseconds>(found->second - clock_.steady());
  if (left <= Milliseconds{0}) heldUntil_.erase(found);
  return left;
}

bool Controller::waitsForCaches(const Key& key) {
  const bool caughtUp = !hooks_.caughtUp || hooks_.caughtUp(key);
  const std::lock_guard lock(mutex_);
  if (caughtUp) {
    waitingSince_.erase(key);
    return false;
  }
  const auto [since, first] = waitingSince_.emplace(key, clock_.steady());
  if (clock_.steady() - since->second < options_.catchUpLimit) return true;
  spdlog::warn(
      "controller {}: the caches have not seen the last writes to {} for {}; planning from what "
      "they have",
      options_.name, key.text(), formatDuration(options_.catchUpLimit));
  waitingSince_.erase(since);
  return false;
}

void Controller::again(const Key& key, const Outcome& outcome) {
  if (outcome) {
    queue_.forget(key);
    if (*outcome) queue_.addAfter(key, **outcome);
    return;
  }
  const Error& error = outcome.error();
  if (error.code == ErrorCode::Conflict) {
    queue_.addAfter(key, std::min(queue_.backOff(key), options_.conflictMax));
    return;
  }
  Milliseconds delay = queue_.backOff(key);
  if (error.retryable()) delay = std::min(delay, options_.retryableMax);
  if (error.retryAfter) {
    delay = std::max(delay, *error.retryAfter);
    const std::lock_guard lock(mutex_);
    heldUntil_[key] = clock_.steady() + *error.retryAfter;
  }
  if (!error.retryable() && error.code != ErrorCode::Cancelled)
    delay = std::max(delay, options_.permanentMin);
  queue_.addAfter(key, delay);
  spdlog::warn("controller {}: {}: {}; again in {}", options_.name, key.text(), error.message,
               formatDuration(delay));
}

// Keys were refused while the queue was full: once there is room again everything is looked at.
void Controller::refill() {
  if (!hooks_.everyKey || queue_.depth() > options_.queue.capacity / 2 || !queue_.takeOverflow())
    return;
  for (const Key& key : hooks_.everyKey()) queue_.add(key, Priority::Low);
}

}  // namespace reprise::runtime
