// The side that the operator, the kubelet and Prometheus talk to.
#pragma once

#include <functional>
#include <mutex>
#include <string>

#include <boost/asio/ip/tcp.hpp>

#include "agent/monitor/counters.h"
#include "agent/monitor/golden_check.h"
#include "agent/monitor/observer.h"
#include "agent/monitor/routes.h"
#include "runtime/http_server.h"

namespace reprise::agent::monitor {

class Admin {
 public:
  // `alive`: whether the forwarding threads turn.
  Admin(const MonitorOptions& options, boost::asio::ip::tcp::endpoint upstream, Observer& observer,
        GoldenCheck& golden, const Counters& counters, Routes& routes, std::function<bool()> alive);

  Expected<void> listen(const boost::asio::ip::tcp::endpoint& endpoint);
  std::uint16_t port() const { return server_->port(); }
  void start() { server_->start(); }
  void stop() { server_->stop(); }
  void drain() { draining_ = true; }  // not ready any more

  const std::string& instance() const { return instance_; }

 private:
  runtime::HttpReply ready();
  runtime::HttpReply windows(const runtime::HttpCall& call) const;
  runtime::HttpReply score(const runtime::HttpCall& call);
  runtime::HttpReply setRoutes(const runtime::HttpCall& call);

  const MonitorOptions& options_;
  const boost::asio::ip::tcp::endpoint upstream_;
  Observer& observer_;
  GoldenCheck& golden_;
  const Counters& counters_;
  Routes& routes_;
  const std::function<bool()> alive_;
  const std::string instance_;
  std::atomic<bool> draining_{false};
  std::mutex probeMutex_, scoreMutex_;
  std::string probeProblem_;
  std::chrono::steady_clock::time_point probed_{};
  std::unique_ptr<runtime::HttpServer> server_;
};

// The value of `name` in a query string, as a number that is not negative; `otherwise` where there
// is none.
std::int64_t numberIn(const std::string& query, const std::string& name, std::int64_t otherwise);

}  // namespace reprise::agent::monitor
