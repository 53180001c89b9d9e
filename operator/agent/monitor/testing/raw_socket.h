// Both ends of a connection as bytes, for tests that say exactly what is on the wire. Blocking; a
// read that waits for longer than kPatience fails the test that asked for it.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <list>
#include <string>
#include <thread>

namespace reprise::agent::monitor::testing {

inline constexpr int kPatienceSeconds = 20;

class RawSocket {
 public:
  explicit RawSocket(int fd);
  RawSocket(RawSocket&& other) noexcept : fd_(other.fd_), held_(std::move(other.held_)) {
    other.fd_ = -1;
  }
  ~RawSocket();
  static RawSocket connect(std::uint16_t port);

  bool send(const std::string& bytes);
  // Up to and with `mark`; what was received where the connection ended first.
  std::string until(const std::string& mark);
  std::string exactly(std::size_t bytes);
  std::string toEnd();
  // A head and a body by its Content-Length, or chunked (as it came), or to the end for an answer
  // that has neither.
  std::string message(bool noBody = false);
  bool ended();  // the other side has closed, and nothing is left
  void shutdownSend();
  void close();
  void reset();  // closes with a RST

 private:
  bool more();
  int fd_;
  std::string held_;
};

// Accepts on a free port; each connection is served on a thread of its own, which the destructor
// waits for: what is at the other end must go first.
class RawServer {
 public:
  // `number` counts connections from 0.
  using Serve = std::function<void(RawSocket&, int number)>;
  explicit RawServer(Serve serve, std::uint16_t port = 0);
  ~RawServer();
  std::uint16_t port() const { return port_; }
  int connections() const { return connections_; }

 private:
  int listener_;
  std::uint16_t port_ = 0;
  std::atomic<int> connections_{0};
  std::atomic<bool> stop_{false};
  std::list<std::thread> threads_;
  std::thread acceptor_;
};

// A port on which nobody listens.
std::uint16_t closedPort();

std::string answer(const std::string& body, const std::string& more = "");

}  // namespace reprise::agent::monitor::testing
