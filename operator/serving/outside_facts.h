// What is known of drift from outside the cluster's own requests, as the snapshot carries it.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/time.h"

namespace reprise::serving {

// One event of the webhook that was authenticated, read and bounded.
struct OutsideEvent {
  std::string id, source;
  Time at;  // when it came, by our clock
  bool drifted = true;
  std::optional<double> score;
  std::string version, context, message;  // "": not said
};

struct OutsideFacts {
  // The last answer of spec.drift.source.prometheus.
  bool asked = false;                 // there is an answer, or an error
  std::optional<double> value;        // never NaN
  std::string reason, message;        // of the error
  std::vector<OutsideEvent> events;   // oldest first; some may be in the status already
  bool webhookOn = false;             // the operator has its webhook open
  std::string keyReason, keyMessage;  // why the key of signed events cannot be used; "": it can
};

}  // namespace reprise::serving
