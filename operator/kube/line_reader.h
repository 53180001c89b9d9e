// Lines of a stream of bytes, as a watch sends them: one JSON a line.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/http.h"

namespace reprise::kube {

class LineReader {
 public:
  // A line longer than `maxLine` bytes is TooLarge: an object is at most 1.5 MiB in etcd, ours at
  // most 3 MiB.
  explicit LineReader(http::ByteStream& stream, std::size_t maxLine = std::size_t{64} << 20)
      : stream_(stream), maxLine_(maxLine), chunk_(16 * 1024) {}

  // The next line without its end; empty lines are passed over; nullopt at the end. A last line
  // without an end was cut off on its way: it is dropped, as a Reset.
  tl::expected<std::optional<std::string>, http::TransportError> next();

 private:
  http::ByteStream& stream_;
  const std::size_t maxLine_;
  std::vector<char> chunk_;
  std::string buffer_;
  std::size_t begin_ = 0, searched_ = 0;
};

}  // namespace reprise::kube
