#include "kube/line_reader.h"

namespace reprise::kube {

using http::TransportError;

tl::expected<std::optional<std::string>, TransportError> LineReader::next() {
  for (;;) {
    const auto end = buffer_.find('\n', searched_);
    if (end != std::string::npos) {
      std::string line = buffer_.substr(begin_, end - begin_);
      begin_ = searched_ = end + 1;
      if (!line.empty() && line.back() == '\r') line.pop_back();
      if (line.empty()) continue;
      return line;
    }
    buffer_.erase(0, begin_);
    begin_ = 0;
    searched_ = buffer_.size();
    if (buffer_.size() > maxLine_) {
      return tl::unexpected(TransportError{
          TransportError::Kind::TooLarge, Sent::Yes,
          "a line of the watch has more than " + std::to_string(maxLine_) + " bytes"});
    }
    const auto size = stream_.read(chunk_);
    if (!size) return tl::unexpected(size.error());
    if (*size == 0) {
      if (buffer_.empty()) return std::nullopt;
      return tl::unexpected(TransportError{TransportError::Kind::Reset, Sent::Yes,
                                           "the watch ended in the middle of a line"});
    }
    buffer_.append(chunk_.data(), *size);
  }
}

}  // namespace reprise::kube
