#include "controllers/drift_hook.h"

#include <spdlog/spdlog.h>

#include <algorithm>

#include "base/digest.h"
#include "kube/access_review.h"
#include "signals/event.h"
#include "signals/json_text.h"
#include "signals/signature.h"

namespace reprise::controllers {
namespace {

using runtime::HttpCall;
using runtime::HttpReply;
using runtime::Key;

constexpr const char* kPath = "/v1/drift/";
// Requests a minute: what one deployment takes for long.
constexpr const char* kAllowedRate = "10";

HttpReply reply(int status, const char* result, const std::string& message) {
  const nlohmann::json body = {{"result", result}, {"message", message}};
  return {status, body.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace) + "\n",
          "application/json"};
}

HttpReply later(int status, const std::string& message, Milliseconds wait) {
  HttpReply out = reply(status, "TryLater", message);
  out.headers.emplace_back("Retry-After", std::to_string(wait.count() / 1000 + 1));
  return out;
}

HttpReply refused(int status, const std::string& message) {
  HttpReply out = reply(status, "Refused", message);
  if (status == 401) out.headers.emplace_back("WWW-Authenticate", "Bearer");
  return out;
}

// Nothing where the path is no namespace and name: the API server would take no such name.
std::optional<Key> keyOf(const std::string& path) {
  const std::string prefix = kPath;
  if (!path.starts_with(prefix)) return std::nullopt;
  const auto slash = path.find('/', prefix.size());
  if (slash == std::string::npos) return std::nullopt;
  const Key out{path.substr(prefix.size(), slash - prefix.size()), path.substr(slash + 1)};
  for (const auto& part : {out.ns, out.name}) {
    const bool good =
        !part.empty() && part.size() <= 253 &&
        part.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789-.") == std::string::npos;
    if (!good) return std::nullopt;
  }
  return out;
}

std::string bearer(const HttpCall& call) {
  const std::string given = call.header("authorization");
  const std::string scheme = "bearer ";
  if (given.size() <= scheme.size()) return {};
  const bool same = std::equal(scheme.begin(), scheme.end(), given.begin(), [](char a, char b) {
    return a == (b >= 'A' && b <= 'Z' ? b - 'A' + 'a' : b);
  });
  return same ? given.substr(scheme.size()) : std::string();
}

// What the event says, whichever form it came in.
std::string digestOf(const signals::DriftSignal& signal) {
  const nlohmann::json all = {signal.drifted, signal.score ? *signal.score : 0.0, signal.version,
                              signal.context, signal.message};
  return sha256Hex(all.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace));
}

bool inStatus(const api::ModelDeployment& deployment, const signals::DriftSignal& signal) {
  const auto& outside = deployment.status.outside;
  return outside && std::any_of(outside->signals.begin(), outside->signals.end(),
                                [&](const api::HandledSignal& one) {
                                  return one.id == signal.id && one.source == signal.source;
                                });
}

}  // namespace

struct DriftHook::Admitted {
  std::string sender;  // for the limit of one sender
  std::shared_ptr<const api::ModelDeployment> deployment;
  bool isSigned = false;
};

runtime::HttpServer::Options DriftHook::serverOptions(std::uint16_t port) {
  runtime::HttpServer::Options out;
  out.port = port;
  out.threads = 4;  // one may wait for the API server
  out.readLimit = Milliseconds(10'000);
  out.maxBody = 512 << 10;
  out.maxConnections = 64;
  return out;
}

void DriftHook::serveOn(runtime::HttpServer& server) {
  for (const char* method : {"POST", "OPTIONS"})
    server.handle(method, std::string(kPath) + "*",
                  [this](const HttpCall& call) { return answer(call); });
}

HttpReply DriftHook::answer(const HttpCall& call) {
  HttpReply out = call.method == "OPTIONS" ? handshake(call) : take(call);
  if (parts_.counted) parts_.counted(out.status);
  return out;
}

HttpReply DriftHook::take(const HttpCall& call) {
  if (!parts_.leads()) {
    HttpReply out =
        later(503, "this replica does not lead: the next try may reach the one that does",
              Milliseconds(1'000));
    out.close = true;
    return out;
  }
  if (const auto wait = peers_.take(call.peer, parts_.clock.steady()))
    return later(429, "too many requests from this address", *wait);
  const auto key = keyOf(call.path);
  if (!key) return refused(404, "the path must be /v1/drift/<namespace>/<ModelDeployment>");
  const auto admitted = admit(call, *key);
  if (!admitted) return admitted.error();
  if (const auto wait = senders_.take(admitted->sender, parts_.clock.steady()))
    return later(429, "too many events of this sender", *wait);
  if (signals::isBatch(call.headers)) return takeBatch(call, *key, *admitted);
  auto signal = signals::parseEvent(call.headers, call.body, admitted->isSigned);
  if (!signal) return refused(signal.error().status, signal.error().message);
  return put(*key, *admitted->deployment, std::move(*signal));
}

// Each event has the answer that it would have had alone. A sender that understands nothing of a
// batch's outcomes must not take for delivered what was not: where none was taken, the whole is
// answered as the first.
HttpReply DriftHook::takeBatch(const HttpCall& call, const Key& key, const Admitted& admitted) {
  auto events = signals::parseBatch(call.body);
  if (!events) return refused(events.error().status, events.error().message);
  nlohmann::json outcomes = nlohmann::json::array();
  std::optional<HttpReply> first;
  bool taken = events->empty();
  for (auto& event : *events) {
    const auto wait = outcomes.empty() ? std::nullopt  // that of the request was counted
                                       : senders_.take(admitted.sender, parts_.clock.steady());
    const std::string id = event ? event->id : std::string();
    HttpReply one = wait     ? later(429, "too many events of this sender", *wait)
                    : !event ? refused(event.error().status, event.error().message)
                             : put(key, *admitted.deployment, std::move(*event));
    auto outcome = nlohmann::json::parse(one.body);
    outcome["status"] = one.status;
    if (!id.empty()) outcome["id"] = id;
    outcomes.push_back(std::move(outcome));
    taken = taken || one.status == 202;
    if (!first) first = std::move(one);
  }
  HttpReply out = first && !taken ? *first : reply(202, "", "");
  out.body = nlohmann::json{{"results", outcomes}}.dump() + "\n";
  return out;
}

// CloudEvents' abuse protection (HTTP 1.1 Web Hooks for Event Delivery, 4): anybody may send, since
// what is sent is looked at only where the sender is known. Any replica says so, and of no path
// more than of another.
HttpReply DriftHook::handshake(const HttpCall& call) {
  if (const auto wait = peers_.take(call.peer, parts_.clock.steady()))
    return later(429, "too many requests from this address", *wait);
  const std::string origin = call.header("webhook-request-origin");
  if (origin.empty() || origin.size() > signals::kMaxName || !signals::isPrintable(origin)) {
    return refused(400, "header WebHook-Request-Origin must name the sender: 1 to " +
                            std::to_string(signals::kMaxName) + " printable ASCII characters");
  }
  HttpReply out{200, {}};
  out.headers = {{"Allow", "POST"},
                 {"WebHook-Allowed-Origin", origin},
                 {"WebHook-Allowed-Rate", kAllowedRate}};
  return out;
}

tl::expected<DriftHook::Admitted, HttpReply> DriftHook::admit(const HttpCall& call,
                                                              const Key& key) {
  const std::string token = bearer(call);
  if (!token.empty()) return byToken(token, key);
  if (signals::signatureOf(call.headers)) return bySignature(call, key);
  return tl::unexpected(
      refused(401, std::string("send Authorization: Bearer with a Kubernetes token for the "
                               "audience ") +
                       kDriftAudience +
                       ", or sign the body (webhook-id, webhook-timestamp, webhook-signature)"));
}

tl::expected<DriftHook::Admitted, HttpReply> DriftHook::byToken(const std::string& token,
                                                                const Key& key) {
  if (const auto wait = reviews_.take("", parts_.clock.steady()))
    return tl::unexpected(later(429, "too many requests", *wait));
  const auto cannotAsk = [](const Error& error) {
    spdlog::warn("webhook: {}", error.message);
    return tl::unexpected(
        later(503, "the API server could not be asked who you are", Milliseconds(2'000)));
  };
  const auto who = kube::reviewToken(parts_.client, token, kDriftAudience);
  if (!who) return cannotAsk(who.error());
  if (!*who) {
    return tl::unexpected(refused(
        401, std::string("the token is not valid for the audience ") + kDriftAudience +
                 " (kubectl create token <ServiceAccount> --audience " + kDriftAudience + ")"));
  }
  const auto may = kube::mayDo(
      parts_.client, **who, {"create", api::kGroup, "modeldeployments", "drift", key.ns, key.name});
  if (!may) return cannotAsk(may.error());
  if (!*may) {
    return tl::unexpected(refused(403, (*who)->name + " may not create modeldeployments/drift '" +
                                           key.name + "' in namespace '" + key.ns +
                                           "': bind it to the ClusterRole of drift senders"));
  }
  const auto deployment = parts_.find(key);
  if (!deployment)
    return tl::unexpected(refused(404, "there is no ModelDeployment '" + key.text() + "'"));
  if (!deployment->spec.drift || !deployment->spec.drift->source.webhook) {
    return tl::unexpected(refused(404, "ModelDeployment '" + key.text() +
                                           "' does not listen: set spec.drift.source.webhook: {}"));
  }
  return Admitted{"token " + (*who)->name, deployment, false};
}

tl::expected<DriftHook::Admitted, HttpReply> DriftHook::bySignature(const HttpCall& call,
                                                                    const Key& key) {
  // Whether there is such a deployment, and whether it has a key, is not for strangers.
  const auto no = tl::unexpected(refused(401, "the signature does not fit"));
  const auto given = signals::signatureOf(call.headers);
  const auto deployment = parts_.find(key);
  const api::WebhookSource* webhook = nullptr;
  if (deployment && deployment->spec.drift && deployment->spec.drift->source.webhook)
    webhook = &*deployment->spec.drift->source.webhook;
  const auto window = parseDuration(webhook ? webhook->replayWindow : "5m");
  if (const auto good = signals::checkSignedHeaders(*given, parts_.clock.now(),
                                                    window.value_or(std::chrono::minutes(5)));
      !good)
    return tl::unexpected(refused(401, good.error().message));
  if (!webhook || !webhook->hmac) return no;
  const auto& ref = webhook->hmac->secretKeyRef;
  const auto text = parts_.secrets.read(key.ns, ref.name, ref.key);
  const auto secret = text ? signingKey(*text, ref.name) : text;
  if (!secret) {  // the owner sees it as the condition SignalsReady
    spdlog::warn("webhook: ModelDeployment {}: {}", key.text(), secret.error().message);
    return no;
  }
  if (!signals::signatureFits(*given, call.body, *secret)) return no;
  return Admitted{"signed " + key.text(), deployment, true};
}

HttpReply DriftHook::put(const Key& key, const api::ModelDeployment& deployment,
                         signals::DriftSignal signal) {
  const std::string id = signal.id;
  if (inStatus(deployment, signal))
    return reply(202, "Duplicate", "event " + id + " was taken before");
  if (const auto wait = deployments_.take(key.text(), parts_.clock.steady()))
    return later(429, "too many events for this ModelDeployment", *wait);
  const std::string digest = digestOf(signal);
  switch (parts_.inbox.put(key.text(), std::move(signal), digest, parts_.clock.now())) {
    case signals::Inbox::Verdict::Duplicate:
      return reply(202, "Duplicate", "event " + id + " was taken before");
    case signals::Inbox::Verdict::Reused:
      return refused(409, "id '" + id + "' is that of another event: each needs its own");
    case signals::Inbox::Verdict::Full:
      return later(429, "events are waiting to be looked at", Milliseconds(4'000));
    case signals::Inbox::Verdict::Taken: break;
  }
  parts_.wake(key);
  return reply(202, "Accepted",
               "event " + id +
                   " is looked at; status.outside and status.decisions of "
                   "ModelDeployment '" +
                   key.text() + "' say what came of it");
}

}  // namespace reprise::controllers
