// The parts of a monitor, wired: what runMonitor runs until a signal, and what tests start and
// stop.
#pragma once

#include <memory>
#include <thread>
#include <vector>

#include "agent/monitor/admin.h"
#include "agent/monitor/worker.h"

namespace reprise::agent::monitor {

class Process {
 public:
  // `clock` is of windows, blocks and the sample rate.
  explicit Process(MonitorOptions options,
                   std::shared_ptr<const Clock> clock = std::make_shared<SystemClock>());
  ~Process();

  // Binds the ports and reads the files: what is wrong with a flag is an error here.
  Expected<void> start();
  std::uint16_t port() const;
  std::uint16_t adminPort() const { return admin_->port(); }
  // Not ready from now on; all else goes on.
  void leave() { admin_->drain(); }
  // Orderly; true where each request under way was answered within the limit.
  bool stop();

  Counters& counters() { return counters_; }
  Observer& observer() { return *observer_; }

 private:
  bool alive() const;

  const MonitorOptions options_;
  const std::shared_ptr<const Clock> clock_;
  Counters counters_;
  Routes routes_;
  std::unique_ptr<Observer> observer_;
  std::unique_ptr<GoldenCheck> golden_;
  std::vector<std::unique_ptr<Worker>> workers_;
  std::unique_ptr<Admin> admin_;
  std::vector<std::jthread> threads_;
  std::atomic<std::size_t> running_{0};
  std::mutex mutex_;
  std::condition_variable ended_;
};

}  // namespace reprise::agent::monitor
