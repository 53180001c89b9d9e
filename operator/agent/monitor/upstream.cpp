#include "agent/monitor/upstream.h"

#include <sys/socket.h>

#include <algorithm>

#include <boost/asio/post.hpp>

namespace reprise::agent::monitor {

namespace {
// After so long without use the kernel is asked, too, as the news that the server closed it may
// still wait there. In a busy stream of requests a connection is never idle for so long, and the
// system call is saved.
constexpr auto kAsk = std::chrono::milliseconds(5);
}  // namespace

// The read begins when what is ready now has been seen to: by then the answer has often come, and
// neither a read that finds nothing nor a turn of the loop is spent on it.
void Upstream::arm(std::size_t room) {
  if (armed_) return;
  armed_ = true;
  asio::post(socket.get_executor(), [self = shared_from_this(), room] { self->read(room); });
}

void Upstream::read(std::size_t room) {
  in.reserve(room);
  socket.async_read_some(asio::buffer(in.room(), in.roomSize()),
                         [self = shared_from_this()](error_code error, std::size_t n) {
                           self->armed_ = false;
                           if (!error) self->in.put(n);
                           if (self->user) {
                             const auto owner = self->user;  // it may let go of us
                             owner->onUpstreamRead(error);
                           } else if (const auto pool = self->pool_.lock()) {
                             // closed, or said something that nobody asked for
                             pool->drop(self.get());
                           }
                         });
}

void Upstream::close() {
  error_code ignored;
  socket.close(ignored);
}

bool Upstream::usable() const {
  char byte;
  const auto n =
      ::recv(const_cast<Socket&>(socket).native_handle(), &byte, 1, MSG_PEEK | MSG_DONTWAIT);
  return n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK);
}

std::shared_ptr<Upstream> UpstreamPool::take() {
  const auto now = Steady::now();
  while (!idle_.empty()) {
    auto connection = std::move(idle_.back());
    idle_.pop_back();
    if (now - connection->idleSince_ < kAsk || connection->usable()) {
      connection->reused = true;
      return connection;
    }
    connection->pool_.reset();
    connection->close();
  }
  return nullptr;
}

void UpstreamPool::give(std::shared_ptr<Upstream> connection) {
  connection->user.reset();
  if (idle_.size() >= size_ || !connection->in.empty()) return connection->close();
  connection->in.shrink();
  connection->idleSince_ = Steady::now();
  connection->arm();
  idle_.push_back(std::move(connection));
}

void UpstreamPool::drop(Upstream* connection) {
  const auto it = std::find_if(idle_.begin(), idle_.end(),
                               [&](const auto& one) { return one.get() == connection; });
  if (it == idle_.end()) return;
  (*it)->close();
  idle_.erase(it);
}

void UpstreamPool::clear() {
  for (auto& connection : idle_) {
    connection->pool_.reset();
    connection->close();
  }
  idle_.clear();
}

}  // namespace reprise::agent::monitor
