// Writes all of a few buffers: at once where the kernel takes them, which is nearly always and
// costs no trip through the event loop, else as it makes room.
#pragma once

#include <array>

#include <boost/asio/write.hpp>

#include "agent/monitor/upstream.h"

namespace reprise::agent::monitor {

using TwoBuffers = std::array<asio::const_buffer, 2>;

// `done(error, bytes)`, from here or later. The socket must be non-blocking.
template <class Done>
void writeAll(Socket& socket, TwoBuffers buffers, Done&& done) {
  const std::size_t total = buffers[0].size() + buffers[1].size();
  if (total == 0) return done(error_code(), std::size_t{0});
  error_code error;
  const std::size_t sent = socket.write_some(buffers, error);
  if (sent == total) return done(error_code(), total);
  if (error && error != asio::error::would_block && error != asio::error::try_again)
    return done(error, sent);
  const std::size_t first = std::min(sent, buffers[0].size());
  buffers[0] += first;
  buffers[1] += sent - first;
  asio::async_write(socket, buffers,
                    [done = std::forward<Done>(done), sent](
                        error_code later, std::size_t n) mutable { done(later, sent + n); });
}

}  // namespace reprise::agent::monitor
