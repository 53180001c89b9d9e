#include "agent/monitor/chunks.h"

namespace reprise::agent::monitor {
namespace {

int hex(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

}  // namespace

void ChunkScanner::step(char c) {
  switch (state_) {
    case State::Size:
      if (const int digit = hex(c); digit >= 0) {
        if (++digits_ > 15) state_ = State::Bad;
        left_ = left_ * 16 + static_cast<std::uint64_t>(digit);
      } else if (digits_ == 0) {
        state_ = State::Bad;
      } else if (c == '\r') {
        state_ = State::SizeLf;
      } else {
        state_ = c == ';' || c == ' ' || c == '\t' ? State::Extension : State::Bad;
      }
      return;
    case State::Extension:
      if (c == '\r')
        state_ = State::SizeLf;
      else if (c == '\n' || ++line_ > kMaxLine)
        state_ = State::Bad;
      return;
    case State::SizeLf:
      digits_ = line_ = 0;
      if (c != '\n')
        state_ = State::Bad;
      else
        state_ = left_ == 0 ? State::LineStart : State::Data;
      return;
    case State::DataCr: state_ = c == '\r' ? State::DataLf : State::Bad; return;
    case State::DataLf: state_ = c == '\n' ? State::Size : State::Bad; return;
    case State::LineStart:
      if (c == '\r')
        state_ = State::EndLf;
      else
        state_ = c == '\n' || ++trailer_ > kMaxTrailer ? State::Bad : State::Trailer;
      return;
    case State::Trailer:
      if (c == '\r')
        state_ = State::TrailerLf;
      else if (c == '\n' || ++trailer_ > kMaxTrailer)
        state_ = State::Bad;
      return;
    case State::TrailerLf: state_ = c == '\n' ? State::LineStart : State::Bad; return;
    case State::EndLf: state_ = c == '\n' ? State::Done : State::Bad; return;
    case State::Data:
    case State::Done:
    case State::Bad: return;
  }
}

}  // namespace reprise::agent::monitor
