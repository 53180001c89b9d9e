// A watch stream: lines, events, bookmarks, errors, into a cache of a real kind. The first byte
// says how many bytes a read gives.
#include "fuzz/fuzz.h"

#include "api/codec.h"
#include "kube/informer.h"
#include "kube/testing/scripted_transport.h"

using namespace reprise;

REPRISE_FUZZ_TARGET(text) {
  if (text.empty()) return;
  auto clock = std::make_shared<FakeClock>();
  auto transport = std::make_shared<kube::testing::ScriptedTransport>();
  kube::testing::Answer answer;
  answer.chunk = 1 + static_cast<unsigned char>(text.front());
  answer.body = text.substr(1);
  answer.onEnd = [&] { clock->advance(Milliseconds(2'000)); };
  transport->then(answer);  // as a streaming list
  transport->then({200, R"({"metadata":{"resourceVersion":"5"},"items":[]})", {}});
  transport->then(answer);                  // as a watch from version 5
  transport->then({200, answer.body, {}});  // as a list

  kube::Access access;
  access.server = "https://api";
  access.tls = []() -> Expected<http::TlsOptions> { return http::TlsOptions{}; };
  access.credentials = kube::fixedCredentials("");
  kube::ApiConnection connection(access, [&](const http::TlsOptions&) { return transport; }, clock);
  kube::Cache<api::ModelDeployment> cache({.resource = kube::resources::modelDeployments},
                                          api::decodeModelDeployment);
  kube::Watcher watcher(
      connection, {kube::resources::modelDeployments, "", "", ""}, cache.sink(), {},
      {clock, [&](Milliseconds time, std::stop_token) { clock->advance(time); }, 7});
  for (int i = 0; i < 6; ++i) watcher.step({});
  for (const auto& object : cache.list()) {
    fuzz::require(cache.get(object->meta.namespace_, object->meta.name) == object,
                  "a cached object is found by its own name");
  }
}
