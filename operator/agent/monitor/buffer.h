// A flat buffer of a connection: bytes come in at the end and are taken from the front.
#pragma once

#include <cstddef>
#include <cstring>
#include <memory>
#include <string_view>

namespace reprise::agent::monitor {

class Buffer {
 public:
  std::string_view view() const { return {data_.get() + begin_, end_ - begin_}; }
  std::size_t size() const { return end_ - begin_; }
  bool empty() const { return begin_ == end_; }

  void take(std::size_t n) {
    begin_ += n;
    if (begin_ == end_) begin_ = end_ = 0;
  }
  void clear() { begin_ = end_ = 0; }

  // Room for at least `n` more bytes.
  void reserve(std::size_t n) {
    if (capacity_ - end_ >= n) return;
    if (capacity_ - size() >= n && begin_ >= capacity_ / 2) {
      std::memmove(data_.get(), data_.get() + begin_, size());
    } else {
      std::size_t capacity = capacity_ == 0 ? kFirst : capacity_;
      while (capacity - size() < n) capacity *= 2;
      auto grown = std::make_unique_for_overwrite<char[]>(capacity);
      if (!empty()) std::memcpy(grown.get(), data_.get() + begin_, size());
      data_ = std::move(grown);
      capacity_ = capacity;
    }
    end_ -= begin_;
    begin_ = 0;
  }
  char* room() { return data_.get() + end_; }
  std::size_t roomSize() const { return capacity_ - end_; }
  void put(std::size_t n) { end_ += n; }

  // Gives the memory back where a large message had made it grow; only while empty.
  void shrink() {
    if (empty() && capacity_ > kKept) {
      data_.reset();
      capacity_ = 0;
    }
  }

  static constexpr std::size_t kFirst = 4096;     // most requests fit
  static constexpr std::size_t kKept = 16 << 10;  // by an idle connection
  static constexpr std::size_t kStream =
      64 << 10;  // grown to for bodies that are longer than the buffer

 private:
  std::unique_ptr<char[]> data_;
  std::size_t capacity_ = 0, begin_ = 0, end_ = 0;
};

}  // namespace reprise::agent::monitor
