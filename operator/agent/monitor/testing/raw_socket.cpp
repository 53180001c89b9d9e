#include "agent/monitor/testing/raw_socket.h"

#include <arpa/inet.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <stdexcept>
#include <utility>

namespace reprise::agent::monitor::testing {
namespace {

sockaddr_in loopback(std::uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return address;
}

std::uint16_t portOf(int fd) {
  sockaddr_in address{};
  socklen_t size = sizeof address;
  ::getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size);
  return ntohs(address.sin_port);
}

std::size_t valueOf(const std::string& head, const std::string& name) {
  std::string lower = head;
  std::transform(lower.begin(), lower.end(), lower.begin(),
                 [](unsigned char c) { return std::tolower(c); });
  const auto at = lower.find("\r\n" + name + ":");
  return at == std::string::npos ? std::string::npos : at + name.size() + 3;
}

}  // namespace

RawSocket::RawSocket(int fd) : fd_(fd) {
  const timeval patience{kPatienceSeconds, 0};
  ::setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  ::setsockopt(fd_, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
}

RawSocket::~RawSocket() { close(); }

void RawSocket::close() {
  if (fd_ >= 0) ::close(fd_);
  fd_ = -1;
}

void RawSocket::reset() {
  const linger now{1, 0};
  ::setsockopt(fd_, SOL_SOCKET, SO_LINGER, &now, sizeof now);
  close();
}

RawSocket RawSocket::connect(std::uint16_t port) {
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const auto address = loopback(port);
  if (::connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    ::close(fd);
    throw std::runtime_error("cannot connect to port " + std::to_string(port));
  }
  return RawSocket(fd);
}

bool RawSocket::send(const std::string& bytes) {
  std::size_t sent = 0;
  while (sent < bytes.size()) {
    const auto n = ::send(fd_, bytes.data() + sent, bytes.size() - sent, MSG_NOSIGNAL);
    if (n <= 0) return false;
    sent += static_cast<std::size_t>(n);
  }
  return true;
}

void RawSocket::shutdownSend() { ::shutdown(fd_, SHUT_WR); }

bool RawSocket::more() {
  char part[65536];
  const auto n = ::recv(fd_, part, sizeof part, 0);
  if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
    throw std::runtime_error("nothing came; so far: " + held_);
  if (n <= 0) return false;
  held_.append(part, static_cast<std::size_t>(n));
  return true;
}

std::string RawSocket::until(const std::string& mark) {
  std::size_t at;
  while ((at = held_.find(mark)) == std::string::npos) {
    if (!more()) return std::exchange(held_, {});
  }
  return exactly(at + mark.size());
}

std::string RawSocket::exactly(std::size_t bytes) {
  while (held_.size() < bytes) {
    if (!more()) return std::exchange(held_, {});
  }
  std::string out = held_.substr(0, bytes);
  held_.erase(0, bytes);
  return out;
}

std::string RawSocket::toEnd() {
  while (more()) {
  }
  return std::exchange(held_, {});
}

bool RawSocket::ended() { return toEnd().empty(); }

std::string RawSocket::message(bool noBody) {
  std::string head = until("\r\n\r\n");
  if (noBody || head.empty()) return head;
  if (const auto at = valueOf(head, "content-length"); at != std::string::npos) {
    return head + exactly(std::stoul(head.substr(at)));
  }
  if (valueOf(head, "transfer-encoding") != std::string::npos) return head + until("0\r\n\r\n");
  return head.starts_with("HTTP/") ? head + toEnd() : head;
}

RawServer::RawServer(Serve serve, std::uint16_t port)
    : listener_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
  const int on = 1;
  ::setsockopt(listener_, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  const auto address = loopback(port);
  if (::bind(listener_, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 ||
      ::listen(listener_, 64) != 0) {
    throw std::runtime_error("cannot listen");
  }
  port_ = portOf(listener_);
  acceptor_ = std::thread([this, serve] {
    while (!stop_) {
      const int fd = ::accept(listener_, nullptr, nullptr);
      if (fd < 0) return;
      const int number = connections_++;
      threads_.emplace_back([serve, fd, number] {
        RawSocket socket(fd);
        try {
          serve(socket, number);
        } catch (const std::exception&) {  // the other side is gone: the test sees what it got
        }
      });
    }
  });
}

RawServer::~RawServer() {
  stop_ = true;
  ::shutdown(listener_, SHUT_RDWR);
  acceptor_.join();
  ::close(listener_);
  for (auto& thread : threads_) thread.join();
}

std::uint16_t closedPort() {
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const auto address = loopback(0);
  ::bind(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address);
  const auto port = portOf(fd);
  ::close(fd);
  return port;
}

std::string answer(const std::string& body, const std::string& more) {
  return "HTTP/1.1 200 OK\r\n" + more + "Content-Length: " + std::to_string(body.size()) +
         "\r\n\r\n" + body;
}

}  // namespace reprise::agent::monitor::testing
