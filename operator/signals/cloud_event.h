// CloudEvents 1.0 over HTTP. Data is
//   {"drifted": true, "score": 0.4, "version": "fuel-1", "context": "vehicle-a", "message": "…"}
// of which all may be left out where the event's type is one of the two below, or a report of
// Evidently's.
#pragma once

#include <string>

#include <nlohmann/json.hpp>

#include "base/http.h"
#include "signals/drift_signal.h"

namespace reprise::signals {

inline constexpr const char* kDetected = "dev.reprise.drift.detected";
inline constexpr const char* kResolved = "dev.reprise.drift.resolved";

// Content-Type application/cloudevents+json.
Read<DriftSignal> parseStructuredCloudEvent(const nlohmann::json& event);
// The attributes are the headers ce-*; the body is the data.
Read<DriftSignal> parseBinaryCloudEvent(const http::Headers& headers, const std::string& body);

}  // namespace reprise::signals
