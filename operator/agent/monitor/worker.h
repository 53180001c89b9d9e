// One forwarding thread: its own event loop, listening socket (SO_REUSEPORT: the kernel spreads
// connections), sessions and connections to the model server. Nothing is shared with other threads
// but the counters and the sink.
#pragma once

#include <atomic>
#include <memory>
#include <string>
#include <unordered_set>

#include <boost/asio/steady_timer.hpp>

#include "agent/monitor/counters.h"
#include "agent/monitor/monitor.h"
#include "agent/monitor/routes.h"
#include "agent/monitor/sink.h"
#include "agent/monitor/upstream.h"
#include "base/result.h"

namespace reprise::agent::monitor {

class Session;

class Worker {
 public:
  // `idPrefix`: of this thread, for ids of requests.
  Worker(const MonitorOptions& options, Endpoint upstream, const Routes& routes, Counters& counters,
         Sink& sink, std::string idPrefix);
  ~Worker();

  Expected<void> listen(const Endpoint& endpoint, bool shared);
  Endpoint endpoint() const;
  void run();  // until stop(), or drained
  // From any thread.
  void drain();  // no new connection; run() returns when the last request is answered
  void stop();
  // When the loop last turned.
  Steady::time_point lastTurn() const {
    return Steady::time_point(Steady::duration(lastTurn_.load()));
  }

  // For sessions, on this thread.
  const MonitorOptions& options() const { return options_; }
  Counters& counters() { return counters_; }
  Sink& sink() { return sink_; }
  UpstreamPool& pool() { return *pool_; }
  RoutePools& routes() { return routes_; }
  asio::io_context& io() { return io_; }
  void add(Session* session) { sessions_.insert(session); }
  void remove(Session* session);
  bool draining() const { return draining_; }
  void nextId(std::string& out);
  // Whether a request to `target` is an inference, whose body has rows.
  bool infers(std::string_view method, std::string_view target) const;

 private:
  void accept();
  void sweep();
  bool makeRoom();

  const MonitorOptions& options_;
  Counters& counters_;
  Sink& sink_;
  std::string idPrefix_;
  std::uint64_t lastId_ = 0;
  std::size_t maxSessions_;
  std::string inferPath_, inferVersions_;  // prefixes
  asio::io_context io_{1};
  asio::basic_socket_acceptor<asio::ip::tcp, asio::io_context::executor_type> acceptor_;
  asio::basic_waitable_timer<Steady, asio::wait_traits<Steady>, asio::io_context::executor_type>
      sweepTimer_, acceptTimer_;
  std::shared_ptr<UpstreamPool> pool_;
  RoutePools routes_;
  std::unordered_set<Session*> sessions_;
  bool draining_ = false;
  std::atomic<Steady::rep> lastTurn_{0};
};

}  // namespace reprise::agent::monitor
