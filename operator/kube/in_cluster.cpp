#include "kube/config.h"
#include "kube/environment.h"
#include "kube/pem.h"

namespace reprise::kube {

Expected<Access> inClusterAccess(const std::string& folder) {
  std::string host = environment("KUBERNETES_SERVICE_HOST");
  const std::string port = environment("KUBERNETES_SERVICE_PORT");
  if (host.empty() || port.empty()) {
    return fail(ErrorCode::InvalidArgument,
                "KUBERNETES_SERVICE_HOST and KUBERNETES_SERVICE_PORT are not set: this is not a "
                "Pod; set KUBECONFIG");
  }
  // The HTTP library cannot connect to a literal of IPv6; this name is in the certificate too.
  if (host.find(':') != std::string::npos) host = "kubernetes.default.svc";
  Access access;
  access.server = "https://" + host + ":" + port;
  access.source = folder;
  if (auto ns = readFile(folder + "/namespace"); ns && !ns->empty()) access.ns = *ns;
  access.tls = [path = folder + "/ca.crt"]() -> Expected<http::TlsOptions> {
    auto pem = readFile(path);
    if (!pem) return tl::unexpected(pem.error());
    auto good = checkPem(std::move(*pem), path);
    if (!good) return tl::unexpected(good.error());
    http::TlsOptions tls;
    tls.caPem = std::move(*good);
    return tls;
  };
  access.credentials = tokenFileCredentials(folder + "/token");
  // Now rather than with the first request.
  if (auto token = access.credentials->authorization(); !token) {
    token.error().message += "; set automountServiceAccountToken on the Pod";
    return tl::unexpected(token.error());
  }
  if (auto tls = access.tls(); !tls) return tl::unexpected(tls.error());
  return access;
}

}  // namespace reprise::kube
