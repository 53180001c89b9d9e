#include "http/response_sink.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "http/at_once.h"

namespace reprise::http {

bool ResponseSink::waitForBytes(std::unique_lock<std::mutex>& lock, Clock::time_point until) {
  return came_.wait_until(lock, until, [this] { return begin_ < bytes_.size() || finished_; });
}

std::optional<std::size_t> ResponseSink::read(std::span<char> into, Clock::time_point until) {
  std::unique_lock lock(mutex_);
  if (!waitForBytes(lock, until)) return std::nullopt;
  const std::size_t size = std::min(into.size(), bytes_.size() - begin_);
  std::memcpy(into.data(), bytes_.data() + begin_, size);
  begin_ += size;
  makeRoom(std::move(lock));
  return size;
}

std::optional<std::size_t> ResponseSink::take(std::string& into, Clock::time_point until) {
  std::unique_lock lock(mutex_);
  if (!waitForBytes(lock, until)) return std::nullopt;
  const std::size_t size = bytes_.size() - begin_;
  if (into.empty() && begin_ == 0)
    std::swap(into, bytes_);
  else
    into.append(bytes_, begin_);
  begin_ = bytes_.size();
  makeRoom(std::move(lock));
  return size;
}

// Once half is free again: not for each byte that was read. What a burst needed is given back.
void ResponseSink::makeRoom(std::unique_lock<std::mutex> lock) {
  if (begin_ == bytes_.size()) {
    bytes_.clear();
    if (bytes_.capacity() > kFull / 4) bytes_.shrink_to_fit();
    begin_ = 0;
  }
  if (!room_ || (!abandoned_ && bytes_.size() - begin_ > kFull / 2)) return;
  const Room room = *std::exchange(room_, std::nullopt);
  const std::size_t taken = waiting_;
  lock.unlock();
  room.set(taken);
}

void ResponseSink::abandon() {
  std::unique_lock lock(mutex_);
  abandoned_ = true;
  begin_ = bytes_.size();
  makeRoom(std::move(lock));
}

void ResponseSink::finish(std::exception_ptr error) {
  const std::lock_guard lock(mutex_);
  error_ = std::move(error);
  finished_ = true;
  came_.notify_all();
}

std::exception_ptr ResponseSink::error() const {
  const std::lock_guard lock(mutex_);
  return error_;
}

pplx::task<size_t> ResponseSink::putn_nocopy(const uint8_t* bytes, size_t count) {
  const std::lock_guard lock(mutex_);
  if (!abandoned_) {
    if (begin_ > kFull / 2) {
      bytes_.erase(0, begin_);
      begin_ = 0;
    }
    bytes_.append(reinterpret_cast<const char*>(bytes), count);
    came_.notify_all();
  }
  // What the library does next is to begin the next read, so it needs no thread of its own.
  if (abandoned_ || bytes_.size() - begin_ < kFull)
    return pplx::task_from_result(count, AtOnce::option());
  waiting_ = count;
  return pplx::create_task(room_.emplace());
}

}  // namespace reprise::http
