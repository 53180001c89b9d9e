// Follows a chunked body (RFC 9112, section 7.1) as its bytes pass, to know where it ends and what
// it holds.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace reprise::agent::monitor {

class ChunkScanner {
 public:
  // Takes the bytes of `text` that belong to the body, up to all of them, and calls
  // `data(std::string_view)` for what the chunks hold. Returns how many were taken; fewer than all
  // only where done() or bad().
  template <class Data>
  std::size_t scan(std::string_view text, Data data) {
    std::size_t at = 0;
    while (at < text.size() && state_ != State::Done && state_ != State::Bad) {
      if (state_ == State::Data) {
        const auto take =
            left_ < text.size() - at ? static_cast<std::size_t>(left_) : text.size() - at;
        data(text.substr(at, take));
        at += take;
        left_ -= take;
        if (left_ == 0) state_ = State::DataCr;
      } else {
        step(text[at++]);
      }
    }
    return at;
  }

  bool done() const { return state_ == State::Done; }
  bool bad() const { return state_ == State::Bad; }

 private:
  enum class State {
    Size,
    Extension,
    SizeLf,
    Data,
    DataCr,
    DataLf,
    LineStart,
    Trailer,
    TrailerLf,
    EndLf,
    Done,
    Bad
  };

  void step(char c);

  static constexpr int kMaxLine = 4096;      // of extensions
  static constexpr int kMaxTrailer = 16384;  // bytes of all trailers

  State state_ = State::Size;
  std::uint64_t left_ = 0;
  int digits_ = 0, line_ = 0, trailer_ = 0;
};

}  // namespace reprise::agent::monitor
