#include "runtime/events.h"

#include <cstdio>
#include <utility>

#include <spdlog/spdlog.h>

namespace reprise::runtime {

using nlohmann::json;

namespace {

// The API server refuses longer ones; cut at a whole UTF-8 character.
std::string cut(std::string text, std::size_t limit) {
  if (text.size() <= limit) return text;
  std::size_t end = limit - 3;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0) == 0x80) --end;
  return text.substr(0, end) + "...";
}

}  // namespace

EventRecorder::EventRecorder(kube::Client& client, const Clock& clock, Options options)
    : client_(client),
      clock_(clock),
      options_(std::move(options)),
      correlator_(clock, options_.limits) {}

void EventRecorder::record(const Subject& about, const api::EventDraft& event) {
  {
    const std::lock_guard lock(mutex_);
    if (stopping_ || queue_.size() >= options_.capacity) {
      ++dropped_;
      return;
    }
    // Without the status: it is not needed, and it can be large.
    queue_.push_back(
        {{about.resource, about.ns, about.name, about.uid, about.resourceVersion, nullptr}, event});
  }
  wake_.notify_one();
}

void EventRecorder::start() {
  thread_ = std::thread([this] { loop(); });
}

bool EventRecorder::stop() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_all();
  if (thread_.joinable()) thread_.join();
  return true;
}

void EventRecorder::loop() {
  for (;;) {
    std::unique_lock lock(mutex_);
    wake_.wait(lock, [this] { return stopping_ || !queue_.empty(); });
    if (queue_.empty()) return;
    const Item item = std::move(queue_.front());
    queue_.pop_front();
    lock.unlock();
    const bool sent = send(item);
    lock.lock();
    if (!sent && stopping_) {  // a server that does not answer must not hold up the shutdown
      dropped_ += queue_.size();
      queue_.clear();
    }
  }
}

bool EventRecorder::sendOne() {
  std::unique_lock lock(mutex_);
  if (queue_.empty()) return false;
  const Item item = std::move(queue_.front());
  queue_.pop_front();
  lock.unlock();
  send(item);
  return true;
}

json EventRecorder::eventOf(const Item& item, const EventCorrelator::Sending& sending) {
  const Subject& about = item.about;
  char suffix[40];
  // Unique over restarts by the time, within a process by the number.
  std::snprintf(suffix, sizeof suffix, ".%llx.%llx",
                static_cast<unsigned long long>(clock_.now().time_since_epoch().count()),
                static_cast<unsigned long long>(++serial_));
  return {
      {"apiVersion", "v1"},
      {"kind", "Event"},
      {"metadata", {{"name", about.name.substr(0, 200) + suffix}, {"namespace", about.ns}}},
      {"involvedObject",
       {{"apiVersion", about.resource.apiVersion()},
        {"kind", about.resource.kind},
        {"namespace", about.ns},
        {"name", about.name},
        {"uid", about.uid}}},
      {"type", item.event.warning ? "Warning" : "Normal"},
      {"reason", item.event.reason},
      {"message", cut(sending.message, 1024)},
      {"count", sending.count},
      {"firstTimestamp", formatTime(sending.first)},
      {"lastTimestamp", formatTime(sending.last)},
      {"source", {{"component", options_.component}}},
      {"reportingComponent", options_.component},
      {"reportingInstance", options_.instance},
  };
}

// One try: an event that fails is dropped. The next alike carries the count on.
bool EventRecorder::send(const Item& item) {
  const auto sending = correlator_.next(item.about, item.event);
  if (!sending) {
    ++dropped_;
    return true;
  }
  if (!sending->existing.empty()) {
    const auto patched =
        client_.mergePatch(kube::resources::events, item.about.ns, sending->existing,
                           {{"count", sending->count},
                            {"message", cut(sending->message, 1024)},
                            {"lastTimestamp", formatTime(sending->last)}});
    if (patched) return true;
    if (patched.error().code != ErrorCode::NotFound) {
      ++dropped_;
      return false;
    }
    correlator_.sent(item.about, sending->key, {});  // expired on the server: make it anew
  }
  const json event = eventOf(item, *sending);
  const auto created = client_.create(kube::resources::events, item.about.ns, event);
  if (!created) {
    spdlog::debug("event {} about {} was dropped: {}", item.event.reason, item.about.text(),
                  created.error().message);
    ++dropped_;
    return false;
  }
  correlator_.sent(item.about, sending->key, event["metadata"]["name"]);
  return true;
}

}  // namespace reprise::runtime
