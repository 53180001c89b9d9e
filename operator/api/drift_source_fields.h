// The fields of drift signals from outside: what they mean, and what is allowed.
#pragma once

#include "api/drift_source.h"
#include "api/field.h"

namespace reprise::api {

template <class V>
void fields(V& v, Of<SecretKeyRef>) {
  v("name", &SecretKeyRef::name,
    {.doc = "Name of the Secret, in the same namespace.", .required = true, .min = 1, .max = 253});
  v("key", &SecretKeyRef::key, {.doc = "Key in it.", .required = true, .min = 1, .max = 253});
}

template <class V>
void fields(V& v, Of<SecretText>) {
  v("secretKeyRef", &SecretText::secretKeyRef,
    {.doc = "Where it is. The operator needs the right to get this Secret.", .required = true});
}

template <class V>
void fields(V& v, Of<PrometheusSource>) {
  v("serverAddress", &PrometheusSource::serverAddress,
    {.doc = "Address of a server with Prometheus' HTTP API, without /api/v1.",
     .required = true,
     .min = 1,
     .max = 2048,
     .rules = {{"self.matches('^https?://[^/?#@ ]+(/[^?#@ ]*)?$')",
                "spec.drift.source.prometheus.serverAddress must be an http:// or https:// address "
                "without user, query and fragment, as http://prometheus.monitoring:9090"}}});
  v("query", &PrometheusSource::query,
    {.doc = "PromQL whose answer is one number: a scalar, or a vector with one series.",
     .required = true,
     .min = 1,
     .max = 4096});
  v("threshold", &PrometheusSource::threshold,
    {.doc = "A value above it is drift; a decimal number.",
     .required = true,
     .max = 32,
     .rules = {{"self.matches('^-?[0-9]+([.][0-9]+)?([eE][-+]?[0-9]+)?$')",
                "spec.drift.source.prometheus.threshold must be a decimal number in quotes, as "
                "\"0.2\""}}});
  v("interval", &PrometheusSource::interval,
    {.doc = "Time between two queries.",
     .default_ = "\"30s\"",
     .max = 32,
     .pattern = kDurationPattern,
     .rules = {{"duration(self) >= duration('1s') && duration(self) <= duration('1h')",
                "spec.drift.source.prometheus.interval must be 1s to 1h, as 30s"}}});
  v("cooldown", &PrometheusSource::cooldown,
    {.doc = "The least time between two actions that signals from outside cause.",
     .default_ = "\"10m\"",
     .max = 32,
     .pattern = kDurationPattern});
  v("bearerToken", &PrometheusSource::bearerToken,
    {.doc = "Sent as Authorization: Bearer. Only over https."});
  v("caBundle", &PrometheusSource::caBundle,
    {.doc = "Certificate authorities that are trusted, as PEM; the system's, if left out.",
     .max = 65536});
}

template <class V>
void fields(V& v, Of<WebhookSource>) {
  v("hmac", &WebhookSource::hmac,
    {.doc = "Key of senders that sign (Standard Webhooks, HMAC-SHA256), at least 16 bytes, or "
            "whsec_ and base64. Left out, only Kubernetes tokens are taken."});
  v("replayWindow", &WebhookSource::replayWindow,
    {.doc = "How far the time of a signed request may be from the operator's.",
     .default_ = "\"5m\"",
     .max = 32,
     .pattern = kDurationPattern,
     .rules = {{"duration(self) >= duration('5s') && duration(self) <= duration('1h')",
                "spec.drift.source.webhook.replayWindow must be 5s to 1h, as 5m"}}});
  v("cooldown", &WebhookSource::cooldown,
    {.doc = "The least time between two actions that signals from outside cause.",
     .default_ = "\"10m\"",
     .max = 32,
     .pattern = kDurationPattern});
}

template <class V>
void fields(V& v, Of<DriftAlarm>) {
  v("source", &DriftAlarm::source, {.doc = "Prometheus or Webhook."});
  v("id", &DriftAlarm::id, {.doc = "The event's id."});
  v("since", &DriftAlarm::since, {.doc = "When it came."});
  v("score", &DriftAlarm::score, {.doc = "The number that was said."});
  v("version", &DriftAlarm::version, {.doc = "The ModelVersion that was asked for by name."});
  v("context", &DriftAlarm::context, {.doc = "What the data was said to be."});
  v("message", &DriftAlarm::message, {.doc = "What was said."});
}

template <class V>
void fields(V& v, Of<HandledSignal>) {
  v("id", &HandledSignal::id, {.doc = "The event's id: it is not acted on again."});
  v("source", &HandledSignal::source, {.doc = "Who sent it, as it says."});
  v("time", &HandledSignal::time, {.doc = "When it was looked at."});
  v("result", &HandledSignal::result, {.doc = "Alarm, Cleared or Ignored."});
  v("message", &HandledSignal::message, {.doc = "Why."});
}

template <class V>
void fields(V& v, Of<OutsideStatus>) {
  v("alarm", &OutsideStatus::alarm, {.doc = "What has not been answered yet."});
  v("reason", &OutsideStatus::reason,
    {.doc = "What the alarm waits for, in one CamelCase word; or why there was nothing to do."});
  v("message", &OutsideStatus::message, {.doc = "The same in a sentence."});
  v("signals", &OutsideStatus::signals,
    {.doc = "The last 16 events of the webhook, oldest first.", .max = 16});
  v("lastAction", &OutsideStatus::lastAction,
    {.doc = "When a signal from outside caused an action last."});
  v("lastRetrain", &OutsideStatus::lastRetrain,
    {.doc = "When a signal from outside caused a training last."});
}

}  // namespace reprise::api
