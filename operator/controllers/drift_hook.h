// The operator's webhook: POST /v1/drift/<namespace>/<ModelDeployment>, of one event or of a batch;
// and OPTIONS, by which a sender of CloudEvents asks whether it may send at all.
//
// Who may: a Kubernetes token made for the audience reprise.dev/drift, whose user may create
// modeldeployments/drift of that name; or a body that is signed with the deployment's own key. What
// is taken is put into the inbox, and the deployment is looked at. Only the leader takes anything:
// a standby answers 503 and ends the connection, so that the next try may reach the leader. (A
// Service that selects the leader alone would need the right to label Pods, and be wrong during a
// change.)
//
// 202 taken, or known already; 400, 415 unreadable; 401, 403 not allowed; 404 no such deployment,
// or it does not listen; 413 a batch of too many; 409 the id is that of another event; 429 and 503
// later, with Retry-After.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "api/model_deployment.h"
#include "controllers/secrets.h"
#include "kube/client.h"
#include "runtime/http_server.h"
#include "runtime/key.h"
#include "signals/inbox.h"
#include "signals/rate_limit.h"

namespace reprise::controllers {

inline constexpr const char* kDriftAudience = "reprise.dev/drift";

class DriftHook {
 public:
  struct Parts {
    kube::Client& client;  // for reviews: with a deadline of seconds, since a server thread waits
    Secrets& secrets;
    signals::Inbox& inbox;
    const Clock& clock;
    std::function<std::shared_ptr<const api::ModelDeployment>(const runtime::Key&)> find;
    std::function<bool()> leads;
    std::function<void(const runtime::Key&)> wake;
    std::function<void(int status)> counted;
  };
  explicit DriftHook(Parts parts) : parts_(std::move(parts)) {}

  runtime::HttpReply answer(const runtime::HttpCall& call);

  // Limits on what strangers control, for the server that this is the only path of.
  static runtime::HttpServer::Options serverOptions(std::uint16_t port);
  // The hook outlives the server.
  void serveOn(runtime::HttpServer& server);

 private:
  struct Admitted;
  runtime::HttpReply take(const runtime::HttpCall& call);
  runtime::HttpReply takeBatch(const runtime::HttpCall& call, const runtime::Key& key,
                               const Admitted& admitted);
  runtime::HttpReply handshake(const runtime::HttpCall& call);
  tl::expected<Admitted, runtime::HttpReply> admit(const runtime::HttpCall& call,
                                                   const runtime::Key& key);
  tl::expected<Admitted, runtime::HttpReply> byToken(const std::string& token,
                                                     const runtime::Key& key);
  tl::expected<Admitted, runtime::HttpReply> bySignature(const runtime::HttpCall& call,
                                                         const runtime::Key& key);
  runtime::HttpReply put(const runtime::Key& key, const api::ModelDeployment& deployment,
                         signals::DriftSignal signal);

  const Parts parts_;
  signals::RateLimit peers_{60, Milliseconds(250)};
  signals::RateLimit reviews_{100, Milliseconds(50)};  // all that the API server is asked
  signals::RateLimit senders_{20, Milliseconds(3'000)};
  signals::RateLimit deployments_{10, Milliseconds(6'000)};
};

}  // namespace reprise::controllers
