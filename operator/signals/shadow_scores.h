// What kept versions would have answered: the rows whose labels came to the serving version's Pods
// are given to a Pod of each other version that runs, and its errors on them are summed. Where only
// the rule of the labels changed, this is the one thing that tells versions apart.
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
#include "signals/monitor_poll.h"

namespace reprise::signals {

class ShadowScores {
 public:
  // Looks for newly labelled rows every `interval`. `changed(owner)`: there are new scores; called
  // on its own thread.
  ShadowScores(std::shared_ptr<http::Transport> transport, Milliseconds interval,
               std::function<void(const std::string& owner)> changed);
  ~ShadowScores();
  void start();
  void stop();
  // Scores what there is to score now, on this thread: for tests.
  void step(std::stop_token stop = {});

  // The Pods of one owner ("namespace/name") that are ready, and the version that serves. Empty:
  // nothing is scored, and what was is forgotten.
  void watch(const std::string& owner, const std::string& serving,
             std::vector<MonitorTarget> ready);
  // Blocks of the versions that do not serve, at most kMaxBlocks of each.
  std::vector<drift::LabelBlock> scores(const std::string& owner) const;

 private:
  struct Cursor {
    std::string instance;  // of the monitor that gave the rows
    std::int64_t after = 0;
  };
  struct Owner {
    std::string serving;
    std::vector<MonitorTarget> pods;
    std::map<std::string, std::map<std::string, Cursor>> cursors;  // version → uid of the row's Pod
    std::map<std::string, std::deque<drift::LabelBlock>> blocks;   // version
  };

  void run(std::stop_token stop);
  bool score(const std::string& owner, const MonitorTarget& from, const MonitorTarget& by,
             std::stop_token stop);

  const std::shared_ptr<http::Transport> transport_;
  const Milliseconds interval_;
  const std::function<void(const std::string&)> changed_;
  mutable std::mutex mutex_;
  std::condition_variable_any wake_;
  std::map<std::string, Owner> owners_;
  std::jthread thread_;
};

}  // namespace reprise::signals
