// Sends events as core/v1 Events, which `kubectl describe` shows, from a thread of its own.
// record() never blocks: where the queue is full or the server does not answer, events are dropped
// and counted.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <mutex>
#include <string>
#include <thread>

#include "base/time.h"
#include "kube/client.h"
#include "runtime/event_correlator.h"
#include "runtime/event_sink.h"
#include "runtime/runnable.h"

namespace reprise::runtime {

class EventRecorder final : public EventSink, public Runnable {
 public:
  struct Options {
    std::string component = "reprise-operator";
    std::string instance;  // this Pod
    std::size_t capacity = 1000;
    EventCorrelator::Limits limits;
  };

  EventRecorder(kube::Client& client, const Clock& clock)
      : EventRecorder(client, clock, Options()) {}
  EventRecorder(kube::Client& client, const Clock& clock, Options options);
  ~EventRecorder() override { stop(); }

  void record(const Subject& about, const api::EventDraft& event) override;

  std::string name() const override { return "events"; }
  void start() override;
  // Sends what waits, as long as each send succeeds, and ends the thread.
  bool stop() override;
  // Sends one on the caller's thread: for tests, and for stop(). False where none waits.
  bool sendOne();
  std::uint64_t dropped() const { return dropped_; }

 private:
  struct Item {
    Subject about;
    api::EventDraft event;
  };
  void loop();
  bool send(const Item& item);
  nlohmann::json eventOf(const Item& item, const EventCorrelator::Sending& sending);

  kube::Client& client_;
  const Clock& clock_;
  const Options options_;
  EventCorrelator
      correlator_;  // used by one thread at a time: the loop, or the caller of sendOne without one
  std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<Item> queue_;
  bool stopping_ = false;
  std::atomic<std::uint64_t> dropped_ = 0;
  std::uint64_t serial_ = 0;
  std::thread thread_;
};

}  // namespace reprise::runtime
