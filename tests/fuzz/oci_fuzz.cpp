// What an OCI registry answers: line 1 the challenge of a 401, line 2 the token's answer, line 3
// the digest's header, the rest a manifest.
#include "fuzz/fuzz.h"

#include "base/digest.h"
#include "kube/testing/scripted_transport.h"
#include "registry/oci.h"

using namespace reprise;

REPRISE_FUZZ_TARGET(text) {
  std::string lines[3];
  for (auto& line : lines) {
    const auto end = std::min(text.find('\n'), text.size());
    line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  auto transport = std::make_shared<kube::testing::ScriptedTransport>();
  transport->then({401, "", {{"WWW-Authenticate", lines[0]}}});
  transport->then({200, lines[1], {}});
  transport->then({200, std::string(text), {{"Docker-Content-Digest", lines[2]}}});
  transport->then({200, std::string(text), {{"Docker-Content-Digest", lines[2]}}});
  registry::OciRegistry registry(transport, {});
  const auto digest = registry.resolve("r.example.com/fuel:1.0");
  if (!digest) return fuzz::require(!digest.error().message.empty(), "what is refused says why");
  const auto at = digest->find('@');
  fuzz::require(at != std::string::npos && isOciDigest(digest->substr(at + 1)),
                "it is no digest: " + *digest);
}
