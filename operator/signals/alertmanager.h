// Notifications of Alertmanager's webhook receiver, version 4.
#pragma once

#include "signals/json_text.h"

namespace reprise::signals {

bool isAlertmanager(const Json& json);  // an object with a list "alerts"

// "firing" is drift, "resolved" its end. The labels or annotations reprise_version and
// reprise_context that all alerts of the group have in common name a version or a context. A
// notification that is repeated with the same alerts has the same id.
Read<DriftSignal> parseAlertmanager(const Json& notification);

}  // namespace reprise::signals
