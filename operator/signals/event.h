// One request to the webhook → what it says. Pure; nothing in it is trusted.
#pragma once

#include <string>

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

}  // namespace reprise::signals
