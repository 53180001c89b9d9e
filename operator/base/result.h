// What a fallible function returns below the controllers. Exceptions stop at the edges of
// libraries.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include <tl/expected.hpp>

namespace reprise {

enum class ErrorCode {
  InvalidArgument,  // the input is wrong and stays wrong until somebody edits it
  NotFound,         // HTTP 404
  AlreadyExists,    // HTTP 409, reason AlreadyExists
  Conflict,         // HTTP 409: somebody wrote in between; read again
  Gone,             // HTTP 410, or a watch that ended with "Expired": list again
  Forbidden,        // HTTP 401, 403: a right is missing
  Invalid,          // HTTP 422: the API server refused the object's content
  TooManyRequests,  // HTTP 429
  Unavailable,      // HTTP 5xx, a connection that could not be made, or was lost
  Timeout,          // a deadline of ours passed
  Cancelled,        // we were asked to stop
  Internal,         // a bug, or a library that failed in a way we do not know
};

std::string_view to_string(ErrorCode code);

// Whether the other side may have acted on a request that failed.
enum class Sent { No, Maybe, Yes };

struct Error {
  ErrorCode code = ErrorCode::Internal;
  std::string message;  // a sentence that names the field and the mend
  Sent sent = Sent::No;
  std::optional<std::chrono::milliseconds> retryAfter;  // from the header Retry-After

  // Whether the same call can succeed later without anybody changing anything.
  bool retryable() const {
    return code == ErrorCode::TooManyRequests || code == ErrorCode::Unavailable ||
           code == ErrorCode::Timeout || code == ErrorCode::Conflict;
  }
};

template <class T>
using Expected = tl::expected<T, Error>;

inline tl::unexpected<Error> fail(ErrorCode code, std::string message) {
  return tl::unexpected<Error>(Error{code, std::move(message), Sent::No, std::nullopt});
}

}  // namespace reprise
