// What somebody outside says about drift, whichever tool said it.
#pragma once

#include <optional>
#include <string>

#include <tl/expected.hpp>

#include "base/time.h"

namespace reprise::signals {

struct DriftSignal {
  std::string id;            // 1 … 256 printable ASCII characters; the same event has the same id
  std::string source;        // who says it, in its own words; at most 256 bytes
  std::optional<Time> time;  // as the sender's clock had it: for people only
  bool drifted = true;       // false: it is over
  std::optional<double> score;   // a finite number in the tool's own unit
  std::string version, context;  // asked for by name; "": left to the operator; at most 253 bytes
  std::string message;           // for people; at most 512 bytes, UTF-8
};

// Why a request is not taken, as it is answered: 400 or 415, and a sentence that names the field
// and the mend.
struct Unreadable {
  int status = 400;
  std::string message;
};

template <class T>
using Read = tl::expected<T, Unreadable>;

inline constexpr std::size_t kMaxId = 256, kMaxName = 253, kMaxMessage = 512;

}  // namespace reprise::signals
