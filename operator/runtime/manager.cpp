#include "runtime/manager.h"

#include <malloc.h>
#include <spdlog/spdlog.h>

namespace reprise::runtime {

void Manager::elected() {
  {
    const std::lock_guard lock(mutex_);
    elected_ = true;
  }
  wake_.notify_all();
}

bool Manager::ready() const {
  const std::lock_guard lock(mutex_);
  return ready_;
}

std::vector<std::string> Manager::unsynced() const {
  std::vector<std::string> out;
  for (const Runnable* cache : caches_) {
    if (!cache->synced()) out.push_back(cache->name());
  }
  return out;
}

bool Manager::run(std::stop_token stop) {
  for (Runnable* server : servers_) server->start();
  for (Runnable* cache : caches_) cache->start();
  if (waitSynced(stop)) {
    malloc_trim(0);  // of the first lists as they came: it would stay for as long as the process
    {
      const std::lock_guard lock(mutex_);
      ready_ = true;
    }
    if (election_) {
      election_->start();
    } else {
      elected();
    }
    std::unique_lock lock(mutex_);
    if (wake_.wait(lock, stop, [this] { return elected_; })) {
      lock.unlock();
      for (Runnable* sink : sinks_) sink->start();
      for (Runnable* controller : controllers_) controller->start();
      lock.lock();
      wake_.wait(lock, stop, [] { return false; });
    }
  }
  return shutDown();
}

bool Manager::waitSynced(std::stop_token stop) {
  SteadyTime told = clock_.steady();
  for (;;) {
    const std::vector<std::string> missing = unsynced();
    if (missing.empty()) return true;
    if (clock_.steady() - told >= options_.syncWarn) {
      told = clock_.steady();
      std::string names;
      for (const std::string& name : missing) names += (names.empty() ? "" : ", ") + name;
      spdlog::warn(
          "still waiting for the first list of: {}; look above for errors of the API server",
          names);
    }
    std::unique_lock lock(mutex_);
    wake_.wait_for(lock, stop, options_.syncPoll, [] { return false; });
    if (stop.stop_requested()) return false;
  }
}

bool Manager::shutDown() {
  spdlog::info("shutting down");
  {
    const std::lock_guard lock(mutex_);
    ready_ = false;
  }
  bool orderly = true;
  for (const auto* group : {&controllers_, &sinks_, &caches_, &servers_}) {
    for (Runnable* part : *group) {
      if (part->stop()) continue;
      spdlog::error("{} could not be stopped", part->name());
      orderly = false;
    }
  }
  if (!orderly) return false;  // whoever still runs may still write: the lease runs out by itself
  return !election_ || election_->stop();
}

}  // namespace reprise::runtime
