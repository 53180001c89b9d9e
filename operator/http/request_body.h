// The bytes of one request, as cpprestsdk reads them. They cannot be read twice: else the library
// sends a body a second time by itself where a kept connection closes, and a POST happens twice.
#pragma once

#include <algorithm>
#include <cstring>
#include <string>
#include <utility>

#include "http/at_once.h"
#include "http/plain_streambuf.h"

namespace reprise::http {

class RequestBody final : public PlainStreambuf {
 public:
  explicit RequestBody(std::string bytes)
      : PlainStreambuf(std::ios_base::in), bytes_(std::move(bytes)) {}

  std::size_t size() const override { return bytes_.size(); }

  pplx::task<size_t> getn(uint8_t* into, size_t count) override {
    const std::size_t size = std::min(count, bytes_.size() - begin_);
    std::memcpy(into, bytes_.data() + begin_, size);
    begin_ += size;
    return pplx::task_from_result(size, AtOnce::option());
  }

 private:
  const std::string bytes_;
  std::size_t begin_ = 0;
};

}  // namespace reprise::http
