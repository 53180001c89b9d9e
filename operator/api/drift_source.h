// Drift signals from outside: where they come from (spec.drift.source), and what became of them.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "api/meta.h"

namespace reprise::api {

struct SecretKeyRef {
  std::string name, key;  // of a Secret in the same namespace
};

struct SecretText {
  SecretKeyRef secretKeyRef;
};

// A query whose value tells of drift.
struct PrometheusSource {
  std::string serverAddress;  // http(s)://host[:port][/path]
  std::string query;          // PromQL; one number
  std::string threshold;      // decimal number; drift is a value above it
  std::string interval = "30s";
  std::string cooldown = "10m";
  std::optional<SecretText> bearerToken;  // only over https
  std::string caBundle;                   // PEM; "" = the system's
};

// Senders that post events to the operator.
struct WebhookSource {
  std::optional<SecretText> hmac;  // left out: only Kubernetes tokens are taken
  std::string replayWindow = "5m";
  std::string cooldown = "10m";
};

// Somebody outside says that the data moved, and it has not been answered yet.
struct DriftAlarm {
  std::string source;  // Prometheus, Webhook
  std::string id;      // of the event; "" for Prometheus
  std::optional<Time> since;
  std::string score;             // as it was said, a decimal number; "" if it was not
  std::string version, context;  // that the event named
  std::string message;
};

// An event of the webhook that was looked at: its id is not acted on again.
struct HandledSignal {
  std::string id, source;
  std::optional<Time> time;
  std::string result;  // Alarm, Cleared, Ignored
  std::string message;
};

struct OutsideStatus {
  std::optional<DriftAlarm> alarm;
  std::string reason, message;         // what the alarm waits for
  std::vector<HandledSignal> signals;  // newest last, at most 16
  std::optional<Time> lastAction;      // that a signal from outside caused
  std::optional<Time> lastRetrain;     // of those, the last Retrain: decisions are bounded
};

}  // namespace reprise::api
