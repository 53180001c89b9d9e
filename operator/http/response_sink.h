// Where cpprestsdk puts the bytes of one response, and a thread of ours takes them out. In place of
// the library's own buffer: that one takes whatever comes, while nobody reads as well, and each
// read of it is a task on a pool of threads.
#pragma once

#include <chrono>
#include <condition_variable>
#include <exception>
#include <mutex>
#include <optional>
#include <span>
#include <string>

#include "http/plain_streambuf.h"

namespace reprise::http {

class ResponseSink final : public PlainStreambuf {
 public:
  using Clock = std::chrono::steady_clock;
  // So much unread, and the library waits before it reads on from the socket: so does the server.
  static constexpr std::size_t kFull = std::size_t{64} << 10;

  ResponseSink() : PlainStreambuf(std::ios_base::out) {}

  // The reader's side. At least one byte, 0 at the end, nothing where `until` came first.
  std::optional<std::size_t> read(std::span<char> into, Clock::time_point until);
  // The same, of all that is there, appended to `into`.
  std::optional<std::size_t> take(std::string& into, Clock::time_point until);
  // Nobody will read on: what comes is thrown away, so that the library comes to its end.
  void abandon();

  // The response has ended, by an error if there is one. Read before it are the bytes that came.
  void finish(std::exception_ptr error);
  std::exception_ptr error() const;  // once the end was read

  // The library's side.
  pplx::task<size_t> putn_nocopy(const uint8_t* bytes, size_t count) override;

 private:
  using Room = pplx::task_completion_event<size_t>;

  bool waitForBytes(std::unique_lock<std::mutex>& lock, Clock::time_point until);
  void makeRoom(std::unique_lock<std::mutex> lock);

  mutable std::mutex mutex_;
  std::condition_variable came_;
  std::string bytes_;
  std::size_t begin_ = 0;  // of what is unread
  bool abandoned_ = false, finished_ = false;
  std::exception_ptr error_;
  std::optional<Room> room_;  // the library waits for it, with `waiting_` bytes that were taken
  std::size_t waiting_ = 0;
};

}  // namespace reprise::http
