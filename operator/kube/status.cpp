#include "kube/status.h"

#include <charconv>

#include "kube/json_text.h"

namespace reprise::kube {
namespace {

ErrorCode codeOf(int status, const std::string& reason) {
  if (reason == "Expired" || reason == "Gone") return ErrorCode::Gone;
  if (reason == "AlreadyExists") return ErrorCode::AlreadyExists;
  switch (status) {
    case 401:
    case 403: return ErrorCode::Forbidden;
    case 404: return ErrorCode::NotFound;
    case 408: return ErrorCode::Unavailable;
    case 409: return ErrorCode::Conflict;
    case 410: return ErrorCode::Gone;
    case 422: return ErrorCode::Invalid;
    case 429: return ErrorCode::TooManyRequests;
    default: break;
  }
  if (status >= 500) return ErrorCode::Unavailable;
  if (status >= 400) return ErrorCode::InvalidArgument;
  return ErrorCode::Internal;
}

// Each cause with its field; the server's own message often has them all already.
std::string withCauses(std::string message, const nlohmann::json& causes) {
  if (!causes.is_array()) return message;
  std::string out = message;
  for (const auto& cause : causes) {
    const std::string field = text(cause, "field"), why = text(cause, "message");
    if (why.empty() || message.find(why) != std::string::npos) continue;
    out += (out == message ? ": " : "; ") + (field.empty() ? why : field + ": " + why);
  }
  return out;
}

Error make(int status, const nlohmann::json& body, const std::string& what) {
  const std::string reason = text(body, "reason");
  Error error;
  error.code = versionTooLarge(body) ? ErrorCode::Gone : codeOf(status, reason);
  std::string message = withCauses(text(body, "message"), at(at(body, "details"), "causes"));
  if (message.empty()) message = reason;
  error.message = what + ": " + message + " (HTTP " + std::to_string(status) + ")";
  if (status == 404 && text(at(body, "details"), "name").empty() &&
      message.find("could not find the requested resource") != std::string::npos) {
    error.message += "; the API server does not know this kind: install the CRDs";
  }
  // So says server-side apply, with a 500, though it will never pass.
  const bool unknownField = message.find("field not declared in schema") != std::string::npos;
  if (unknownField) {
    error.code = ErrorCode::Invalid;
    if (message.find("reprise.dev/") != std::string::npos) {
      error.message +=
          "; the kinds of the cluster are older than this operator: kubectl apply --server-side "
          "--force-conflicts -f charts/reprise/crds";
    }
  }
  // A refusal is not acted on; a server that failed may have got far.
  error.sent = status >= 500 && !unknownField ? Sent::Maybe : Sent::No;
  const auto seconds = integer(at(body, "details"), "retryAfterSeconds");
  if (seconds > 0) error.retryAfter = std::chrono::seconds(seconds);
  return error;
}

}  // namespace

Error toError(const nlohmann::json& status, const std::string& what) {
  return make(static_cast<int>(integer(status, "code")), status, what);
}

Error toError(const http::Response& response, const std::string& what) {
  const auto body = nlohmann::json::parse(response.body, nullptr, false);
  Error error;
  if (body.is_object() && text(body, "kind") == "Status") {
    error = make(response.status, body, what);
  } else {
    error = make(response.status, {{"message", response.body.substr(0, 200)}}, what);
  }
  const std::string after = response.header("Retry-After");
  long seconds = 0;
  const auto [end, bad] = std::from_chars(after.data(), after.data() + after.size(), seconds);
  if (bad == std::errc() && end == after.data() + after.size() && seconds >= 0) {
    error.retryAfter = std::chrono::seconds(std::min(seconds, 3600L));
  }
  return error;
}

bool versionTooLarge(const nlohmann::json& status) {
  const auto& causes = at(at(status, "details"), "causes");
  if (causes.is_array()) {
    for (const auto& cause : causes) {
      if (text(cause, "reason") == "ResourceVersionTooLarge") return true;
    }
  }
  // Servers before 1.20 said it in words only.
  return text(status, "message").find("Too large resource version") != std::string::npos;
}

}  // namespace reprise::kube
