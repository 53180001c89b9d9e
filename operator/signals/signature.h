// Signed requests, as Standard Webhooks has them (standardwebhooks.com): HMAC-SHA256 over
// "<id>.<timestamp>.<body>".
//
//   webhook-id: any text without a dot; webhook-timestamp: Unix seconds
//   webhook-signature: "v1,<base64>", several with a space between them
#pragma once

#include <string>

#include "base/http.h"
#include "base/result.h"
#include "base/time.h"

namespace reprise::signals {

struct Signed {
  std::string id, timestamp, signatures;  // as the headers have them; "" where one is missing
};

// Nothing where the request has no webhook-signature at all.
std::optional<Signed> signatureOf(const http::Headers& headers);

// Without the key: whether the headers are whole and the time is within `window` of `now`.
// Forbidden, with a sentence that may be shown to anybody.
Expected<void> checkSignedHeaders(const Signed& given, Time now, Milliseconds window);

// Compares in constant time; an empty key signs nothing.
bool signatureFits(const Signed& given, const std::string& body, const std::string& key);

// The header's value, for senders and tests.
std::string sign(const std::string& id, const std::string& timestamp, const std::string& body,
                 const std::string& key);

inline constexpr std::size_t kMinKey = 16;  // bytes

}  // namespace reprise::signals
