// Connections to the model server. One is in use by one exchange or idle in the pool; a read is
// always armed, so that a connection that the server closes while idle is noticed before it is used
// again.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <vector>

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>

#include "agent/monitor/buffer.h"

namespace reprise::agent::monitor {

namespace asio = boost::asio;
using boost::system::error_code;
using Socket = asio::basic_stream_socket<asio::ip::tcp, asio::io_context::executor_type>;
using Endpoint = asio::ip::tcp::endpoint;
using Steady = std::chrono::steady_clock;

class UpstreamPool;

// Told of what arrives; held by the connection while it is in use.
class UpstreamUser {
 public:
  virtual ~UpstreamUser() = default;
  virtual void onUpstreamRead(error_code error) = 0;  // new bytes are in the connection's buffer
};

class Upstream : public std::enable_shared_from_this<Upstream> {
 public:
  Upstream(asio::io_context& io, std::weak_ptr<UpstreamPool> pool)
      : socket(io.get_executor()), pool_(std::move(pool)) {}

  Socket socket;
  Buffer in;
  bool reused = false;
  std::shared_ptr<UpstreamUser> user;

  void arm(std::size_t room = Buffer::kFirst);  // one read, if none is armed
  void close();
  bool usable() const;  // still open as far as the kernel knows

 private:
  void read(std::size_t room);

  friend class UpstreamPool;
  std::weak_ptr<UpstreamPool> pool_;  // may be gone while this is in use
  bool armed_ = false;
  Steady::time_point idleSince_{};
};

// Held by shared pointers; they alone make one.
class UpstreamPool : public std::enable_shared_from_this<UpstreamPool> {
 public:
  UpstreamPool(asio::io_context& io, Endpoint endpoint, std::size_t size)
      : io_(io), endpoint_(endpoint), size_(size) {}
  ~UpstreamPool() { clear(); }

  // An idle connection, or null.
  std::shared_ptr<Upstream> take();
  std::shared_ptr<Upstream> make() { return std::make_shared<Upstream>(io_, weak_from_this()); }
  const Endpoint& endpoint() const { return endpoint_; }
  // Back, after an answer that was read to its end.
  void give(std::shared_ptr<Upstream> connection);
  void drop(Upstream* connection);  // the server closed it while idle
  void clear();
  std::size_t idle() const { return idle_.size(); }

  // It did not take a connection: until then nobody should wait for another one.
  void avoid(Steady::time_point until) { avoidUntil_ = until; }
  bool avoided(Steady::time_point now) const { return now < avoidUntil_; }

 private:
  asio::io_context& io_;
  Endpoint endpoint_;
  std::size_t size_;
  std::vector<std::shared_ptr<Upstream>> idle_;  // the last used is taken first
  Steady::time_point avoidUntil_{};
};

}  // namespace reprise::agent::monitor
