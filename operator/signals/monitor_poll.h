// Fetches what the monitors of Pods saw. Monitors keep a ring of their last windows, so neither a
// missed poll nor a restart of the operator loses any. Labels whose request another Pod answered
// are brought to it.
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
#include "signals/monitor_answer.h"

namespace reprise::signals {

// A Pod with a monitor.
struct MonitorTarget {
  std::string pod;  // name
  std::string uid;
  std::string address;  // host:port of the monitor's admin side
  std::string version;  // that the Pod serves
  bool operator==(const MonitorTarget&) const = default;
};

// Where a monitor sends requests of other contexts, by the uid of its Pod: bodies of POST /routes,
// and the token that it asks for. A monitor that started anew is told again.
struct MonitorRoutes {
  std::string token;
  std::map<std::string, std::string> bodies;
};

// What one monitor said so far.
struct MonitorView {
  std::string golden, message;           // Pending, Passed, Failed
  std::string problem;                   // why it could not be read; "": it was, or not asked yet
  std::deque<drift::Window> windows;     // oldest first, at most kMaxWindows
  std::deque<drift::LabelBlock> labels;  // oldest first, at most kMaxBlocks
};

class MonitorPoll {
 public:
  // Each monitor is asked every `interval`; one that has nothing new for long, every 2 s at least,
  // and one that does not answer, every 5 s at least. `changed(owner)`: a monitor of that owner has
  // something new. Called on a thread of the poll's.
  MonitorPoll(std::shared_ptr<http::Transport> transport, Milliseconds interval,
              std::function<void(const std::string& owner)> changed);
  ~MonitorPoll();
  void start();
  void stop();
  // Asks every monitor once, on this thread: for tests.
  void step(std::stop_token stop = {});

  // The Pods of one owner ("namespace/name") as they are now; empty: it is gone.
  void watch(const std::string& owner, std::vector<MonitorTarget> targets,
             MonitorRoutes routes = {});
  // By Pod name.
  std::map<std::string, MonitorView> view(const std::string& owner) const;

 private:
  struct Known {
    MonitorTarget target;
    std::uint64_t serial = 0;  // of its entry in schedule_: one of an earlier Known is passed over
    std::string instance;
    std::int64_t after = 0, labelsAfter = 0, strayAfter = 0;
    Milliseconds pause{0};                  // until it is asked again
    int quiet = 0;                          // answers in a row with nothing new
    std::string token, routes, routesSent;  // routes: as they are to be; "": none are
    MonitorView view;
  };
  struct Due {
    std::string owner, uid;
    std::uint64_t serial = 0;
  };
  enum class Said { Nothing, News, Unreachable };

  void work(std::stop_token stop);
  void schedule(const std::string& owner, const std::string& uid, Known& known, SteadyTime at);
  Known* find(const std::string& owner, const std::string& uid);
  Said poll(const std::string& owner, const std::string& uid, std::stop_token stop);
  Said unreachable(const std::string& owner, const std::string& uid, std::string problem);
  Said take(const std::string& owner, const std::string& uid, MonitorAnswer answer,
            std::vector<nlohmann::json>& stray);
  void tellRoutes(const std::string& owner, const std::string& uid, std::stop_token stop);
  void relay(const std::string& owner, const std::string& from,
             const std::vector<nlohmann::json>& stray, std::stop_token stop);

  const std::shared_ptr<http::Transport> transport_;
  const Milliseconds interval_;
  const std::function<void(const std::string&)> changed_;
  mutable std::mutex mutex_;
  std::condition_variable_any wake_;
  std::map<std::string, std::map<std::string, Known>> owners_;  // owner → Pod uid
  std::multimap<SteadyTime, Due> schedule_;
  std::uint64_t serial_ = 0;
  std::vector<std::jthread> threads_;
};

}  // namespace reprise::signals
