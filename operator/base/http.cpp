#include "base/http.h"

#include <strings.h>

namespace reprise::http {

std::string header(const Headers& headers, const std::string& name) {
  for (const auto& [key, value] : headers) {
    if (strcasecmp(key.c_str(), name.c_str()) == 0) return value;
  }
  return {};
}

Error toError(const TransportError& error) {
  using Kind = TransportError::Kind;
  ErrorCode code = ErrorCode::Unavailable;
  if (error.kind == Kind::Timeout) code = ErrorCode::Timeout;
  if (error.kind == Kind::Cancelled) code = ErrorCode::Cancelled;
  if (error.kind == Kind::Protocol || error.kind == Kind::TooLarge) code = ErrorCode::Internal;
  return Error{code, error.message, error.sent, std::nullopt};
}

}  // namespace reprise::http
