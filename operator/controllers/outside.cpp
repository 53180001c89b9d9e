#include "controllers/outside.h"

#include "api/codec.h"
#include "json/view.h"

namespace reprise::controllers {
namespace {

std::optional<signals::PrometheusTarget> targetOf(const api::ModelDeployment& deployment) {
  const auto& drift = deployment.spec.drift;
  if (!drift || !drift->source.prometheus) return std::nullopt;
  const auto& from = *drift->source.prometheus;
  signals::PrometheusTarget out;
  out.serverAddress = from.serverAddress;
  out.query = from.query;
  out.caPem = from.caBundle;
  out.interval = std::max(parseDuration(from.interval).value_or(std::chrono::seconds(30)),
                          Milliseconds(1'000));
  if (from.bearerToken) {
    out.secretNamespace = deployment.meta.namespace_;
    out.secretName = from.bearerToken->secretKeyRef.name;
    out.secretKey = from.bearerToken->secretKeyRef.key;
  }
  return out;
}

// Asked while nobody sends, so that a wrong Secret is seen before the first event is lost.
void checkKey(const Context& context, const api::ModelDeployment& deployment,
              serving::OutsideFacts& facts) {
  const auto& hmac = deployment.spec.drift->source.webhook->hmac;
  if (!hmac) return;
  const auto& ref = hmac->secretKeyRef;
  const auto text = context.secrets.read(deployment.meta.namespace_, ref.name, ref.key);
  const auto key = text ? signingKey(*text, ref.name) : text;
  if (key) return;
  facts.keyReason = secretReason(key.error().code);
  facts.keyMessage = "spec.drift.source.webhook.hmac: " + key.error().message;
}

}  // namespace

void readOutside(const Context& context, serving::Snapshot& snapshot) {
  const auto& deployment = *snapshot.deployment;
  const std::string owner = inNamespace(deployment.meta.namespace_, deployment.meta.name);
  context.prometheus.watch(owner, targetOf(deployment));
  auto& facts = snapshot.outside;
  const auto view = context.prometheus.view(owner);
  facts.asked = view.asked;
  facts.value = view.value;
  facts.reason = view.reason;
  facts.message = view.message;
  facts.webhookOn = context.webhookOn;
  const auto& drift = deployment.spec.drift;
  if (!drift || !drift->source.webhook) return context.inbox.forget(owner);
  if (context.webhookOn) checkKey(context, deployment, facts);
  for (auto& [signal, at] : context.inbox.pending(owner)) {
    facts.events.push_back({signal.id, signal.source, at, signal.drifted, signal.score,
                            signal.version, signal.context, signal.message});
  }
}

void noteOutside(const Context& context, const api::ModelDeployment& deployment,
                 const nlohmann::json& status) {
  const auto decoded = api::decodeModelDeployment(JsonText(nlohmann::json{{"status", status}}));
  if (!decoded || !decoded->status.outside) return;
  std::vector<signals::Received> written;
  for (const auto& one : decoded->status.outside->signals) {
    signals::Received received;
    received.signal.id = one.id;
    received.signal.source = one.source;
    written.push_back(std::move(received));
  }
  context.inbox.done(inNamespace(deployment.meta.namespace_, deployment.meta.name), written);
}

void forgetOutside(const Context& context, const runtime::Key& key) {
  context.prometheus.watch(key.text(), std::nullopt);
  context.inbox.forget(key.text());
}

}  // namespace reprise::controllers
