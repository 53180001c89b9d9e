// What an API server, or a proxy before it, says when it refuses.
#include "fuzz/fuzz.h"

#include "kube/status.h"

using namespace reprise;

REPRISE_FUZZ_TARGET(text) {
  if (text.size() < 2) return;
  http::Response response;
  response.status = 400 + static_cast<unsigned char>(text[0]) % 200;
  const auto end = std::min(text.find('\n', 1), text.size());
  response.headers = {{"Retry-After", std::string(text.substr(1, end - 1))}};
  response.body = text.substr(std::min(end + 1, text.size()));
  const Error error = kube::toError(response, "apply Pod ns/a");
  fuzz::require(!error.message.empty(), "what is refused says why");
  fuzz::require(!error.retryAfter || error.retryAfter->count() >= 0,
                "Retry-After lies in the past");
  if (const auto json = fuzz::parse(response.body); !json.is_discarded()) {
    (void)kube::toError(json, "watch");
    (void)kube::versionTooLarge(json);
  }
}
