// Fetches what the monitors of Pods saw. Monitors keep a ring of their last windows, so neither a
// missed poll nor a restart of the operator loses any.
#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "base/http.h"
#include "base/time.h"
#include "drift/decide.h"

namespace reprise::signals {

// A Pod with a monitor.
struct MonitorTarget {
  std::string pod;  // name
  std::string uid;
  std::string address;  // host:port of the monitor's admin side
  std::string version;  // that the Pod serves
  bool operator==(const MonitorTarget&) const = default;
};

// What one monitor said so far.
struct MonitorView {
  std::string golden, message;        // Pending, Passed, Failed
  std::deque<drift::Window> windows;  // oldest first, at most kMaxWindows
};

inline constexpr std::size_t kMaxWindows = 64;
inline constexpr std::size_t kMaxAnswer = 8u << 20;  // bytes

// One answer of GET /windows, read without trust; exposed for tests.
struct MonitorAnswer {
  std::string instance, golden, message;
  std::vector<std::pair<std::int64_t, drift::Window>>
      windows;  // with their sequence numbers, ascending
};
Expected<MonitorAnswer> parseMonitorAnswer(const std::string& body, const std::string& version);

class MonitorPoll {
 public:
  // `changed(owner)`: a monitor of that owner has something new. Called on the poll's thread.
  MonitorPoll(std::shared_ptr<http::Transport> transport, Milliseconds interval,
              std::function<void(const std::string& owner)> changed);
  ~MonitorPoll();
  void start();
  void stop();
  // Asks every monitor once: what the thread does, for tests.
  void step(std::stop_token stop = {});

  // The Pods of one owner ("namespace/name") as they are now; empty: it is gone.
  void watch(const std::string& owner, std::vector<MonitorTarget> targets);
  // By Pod name.
  std::map<std::string, MonitorView> view(const std::string& owner) const;

 private:
  struct Known {
    MonitorTarget target;
    std::string instance;  // another one: the monitor started anew, and counts from the beginning
    std::int64_t after = 0;
    MonitorView view;
  };
  void run(std::stop_token stop);
  bool poll(const std::string& owner, const MonitorTarget& target, std::stop_token stop);

  std::shared_ptr<http::Transport> transport_;
  Milliseconds interval_;
  std::function<void(const std::string&)> changed_;
  mutable std::mutex mutex_;
  std::condition_variable_any wake_;
  std::map<std::string, std::map<std::string, Known>> owners_;  // owner → Pod uid
  std::jthread thread_;
};

}  // namespace reprise::signals
