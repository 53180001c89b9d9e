// Takes the copies of inference requests from the forwarding threads and learns from them on a
// thread of its own. What it has no time for, and what is above its rate, is dropped and counted.
#pragma once

#include <condition_variable>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>
#include <vector>

#include "agent/monitor/counters.h"
#include "agent/monitor/drift_score.h"
#include "agent/monitor/feedback.h"
#include "agent/monitor/monitor.h"
#include "agent/monitor/sink.h"
#include "agent/monitor/version_data.h"
#include "agent/monitor/windows.h"

namespace reprise::agent::monitor {

class Observer final : public Sink {
 public:
  // Without a basis no window is made; labels are taken nevertheless. With a profile windows are
  // compared with it.
  Observer(const MonitorOptions& options, VersionData data, Counters& counters, const Clock& clock);
  ~Observer() override;
  void start();
  void stop();  // after what is in the queue

  bool wants() override;
  void push(Sample& sample) override;
  void tooLong() override { monitor::add(counters_.droppedLong); }
  LocalReply feedback(std::string_view body) override { return feedback(body, false); }
  // `relayed`: by the operator, from a Pod to which they were stray.
  LocalReply feedback(std::string_view body, bool relayed);

  // What the thread does with one; for tests too.
  void learn(Sample& sample);
  void tick();

  Windows* windows() { return windows_.get(); }             // null without a basis
  const DriftScore* drift() const { return drift_.get(); }  // null without a profile
  Feedback& labels() { return feedback_; }

 private:
  void run(std::stop_token stop);
  void giveBack(std::vector<Sample>& batch);

  const MonitorOptions& options_;
  Counters& counters_;
  const Clock& clock_;
  std::unique_ptr<DriftScore> drift_;
  std::unique_ptr<Windows> windows_;
  Feedback feedback_;

  std::mutex rateMutex_;
  double tokens_;
  SteadyTime filled_;

  std::mutex mutex_;
  std::condition_variable_any wake_;
  bool sleeping_ = false;
  std::size_t queuedBytes_ = 0;
  std::vector<Sample> queue_, free_;
  std::jthread thread_;
};

}  // namespace reprise::agent::monitor
