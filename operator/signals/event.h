// One request to the webhook → what it says. Pure; nothing in it is trusted.
#pragma once

#include <string>
#include <vector>

#include "base/http.h"
#include "signals/drift_signal.h"

namespace reprise::signals {

// By Content-Type and headers: application/cloudevents+json (structured mode); application/json
// with ce-* headers (binary mode), with "alerts" (Alertmanager) or with "metrics" (Evidently).
// Anything else is a 415, what is malformed a 400. A report without an id gets one of its bytes.
//
// `signedBody`: only the body is known to be the sender's, so nothing may be in headers: binary
// mode is refused.
Read<DriftSignal> parseEvent(const http::Headers& headers, const std::string& body,
                             bool signedBody);

// CloudEvents in batched mode: Content-Type application/cloudevents-batch+json.
inline constexpr std::size_t kMaxBatch = 10;  // events: what one deployment takes at once
bool isBatch(const http::Headers& headers);
// Each event on its own. A 400 where the body is no array, a 413 where it has more than
// kMaxBatch.
Read<std::vector<Read<DriftSignal>>> parseBatch(const std::string& body);

}  // namespace reprise::signals
