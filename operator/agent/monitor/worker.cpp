#include "agent/monitor/worker.h"

#include <sys/socket.h>

#include <charconv>
#include <vector>

#include <spdlog/spdlog.h>
#include <boost/asio/post.hpp>

#include "agent/monitor/session.h"

namespace reprise::agent::monitor {

namespace {

constexpr auto kSweep = std::chrono::milliseconds(100);

// Many kept connections fill the room: this share of a thread's connections.
std::size_t share(const MonitorOptions& options) {
  const auto threads = static_cast<std::size_t>(options.threads < 1 ? 1 : options.threads);
  return std::max<std::size_t>(1, options.maxConnections / threads);
}

}  // namespace

Worker::Worker(const MonitorOptions& options, Endpoint upstream, const Routes& routes,
               Counters& counters, Sink& sink, std::string idPrefix)
    : options_(options),
      counters_(counters),
      sink_(sink),
      idPrefix_(std::move(idPrefix)),
      maxSessions_(share(options)),
      acceptor_(io_.get_executor()),
      sweepTimer_(io_.get_executor()),
      acceptTimer_(io_.get_executor()),
      pool_(std::make_shared<UpstreamPool>(io_, upstream, options.poolSize)),
      routes_(io_, routes, options.poolSize) {
  lastTurn_ = Steady::now().time_since_epoch().count();
}

// Handlers that are still queued hold sessions, and those know this worker: they go while it is
// whole.
Worker::~Worker() {
  pool_->clear();
  routes_.clear();
  const std::vector<Session*> all(sessions_.begin(), sessions_.end());
  for (Session* session : all) session->close();
  io_.restart();
  io_.poll();
}

Expected<void> Worker::listen(const Endpoint& endpoint, bool shared) {
  error_code error;
  acceptor_.open(endpoint.protocol(), error);
  if (!error) acceptor_.set_option(asio::socket_base::reuse_address(true), error);
  if (!error && shared) {
    const int on = 1;
    if (::setsockopt(acceptor_.native_handle(), SOL_SOCKET, SO_REUSEPORT, &on, sizeof on) != 0) {
      error = error_code(errno, boost::system::system_category());
    }
  }
  if (!error) acceptor_.bind(endpoint, error);
  if (!error) acceptor_.listen(asio::socket_base::max_listen_connections, error);
  if (!error) acceptor_.non_blocking(true, error);
  if (!error) return {};
  return fail(ErrorCode::InvalidArgument, "--listen: cannot listen on " +
                                              endpoint.address().to_string() + ":" +
                                              std::to_string(endpoint.port()) + ": " +
                                              error.message() + "; choose another port");
}

Endpoint Worker::endpoint() const {
  error_code ignored;
  return acceptor_.local_endpoint(ignored);
}

void Worker::run() {
  accept();
  sweep();
  io_.run();
}

void Worker::drain() {
  asio::post(io_, [this] {
    draining_ = true;
    error_code ignored;
    acceptor_.close(ignored);
    const std::vector<Session*> all(sessions_.begin(), sessions_.end());
    for (Session* session : all) session->drain();
    if (sessions_.empty()) io_.stop();
  });
}

void Worker::stop() { io_.stop(); }

void Worker::remove(Session* session) {
  sessions_.erase(session);
  if (draining_ && sessions_.empty()) io_.stop();
}

void Worker::accept() {
  acceptor_.async_accept(io_.get_executor(), [this](error_code error, Socket socket) {
    if (error == asio::error::operation_aborted || !acceptor_.is_open()) return;
    if (error) {
      spdlog::warn("monitor: accept: {}",
                   error.message());  // out of descriptors, say: it would spin
      acceptTimer_.expires_after(std::chrono::milliseconds(100));
      acceptTimer_.async_wait([this](error_code cancelled) {
        if (!cancelled) accept();
      });
      return;
    }
    monitor::add(counters_.connections);
    if (sessions_.size() < maxSessions_ || makeRoom()) {
      std::make_shared<Session>(std::move(socket), *this)->start();
    } else {
      monitor::add(counters_.connectionsRefused);
      static constexpr std::string_view kFull =
          "HTTP/1.1 503 Service Unavailable\r\nContent-Type: application/json\r\nContent-Length: "
          "33\r\n"
          "Retry-After: 1\r\nConnection: close\r\n\r\n{\"error\": \"too many connections\"}";
      error_code ignored;
      socket.non_blocking(true, ignored);
      socket.write_some(asio::buffer(kFull.data(), kFull.size()), ignored);
    }
    accept();
  });
}

// The connection that has been idle for longest gives way to a new one.
bool Worker::makeRoom() {
  Session* oldest = nullptr;
  for (Session* session : sessions_) {
    if (session->idle() && (!oldest || session->idleSince() < oldest->idleSince()))
      oldest = session;
  }
  if (!oldest) return false;
  oldest->close();
  return true;
}

void Worker::sweep() {
  const auto now = Steady::now();
  lastTurn_ = now.time_since_epoch().count();
  // a session that closes may go, so the list is copied
  const std::vector<Session*> all(sessions_.begin(), sessions_.end());
  for (Session* session : all) session->checkDeadline(now);
  sweepTimer_.expires_after(kSweep);
  sweepTimer_.async_wait([this](error_code error) {
    if (!error) sweep();
  });
}

void Worker::nextId(std::string& out) {
  char digits[24];
  out.assign(idPrefix_);
  out.append(digits, std::to_chars(digits, digits + sizeof digits, ++lastId_, 36).ptr);
}

bool Worker::infers(std::string_view method, std::string_view target) const {
  if (method != "POST") return false;
  const auto path = target.substr(0, target.find('?'));
  if (options_.protocol == "json") return true;
  const bool v2 = options_.protocol == "v2";
  const std::string_view root = v2 ? "/v2/models/" : "/v1/models/";
  const std::string_view end = v2 ? "/infer" : ":predict";
  if (!path.starts_with(root) || !path.ends_with(end) || path.size() <= root.size() + end.size())
    return false;
  std::string_view middle = path.substr(root.size(), path.size() - root.size() - end.size());
  if (const auto versions = middle.find("/versions/"); versions != middle.npos) {
    if (middle.find('/', versions + 10) != middle.npos) return false;
    middle = middle.substr(0, versions);
  }
  return options_.model.empty() ? middle.find('/') == middle.npos : middle == options_.model;
}

}  // namespace reprise::agent::monitor
