#include <cstdlib>

#include "kube/config.h"
#include "kube/pem.h"

namespace reprise::kube {
namespace {

std::string environment(const char* name) {
  const char* value = std::getenv(name);
  return value ? value : "";
}

std::vector<std::string> splitPaths(const std::string& text) {
  std::vector<std::string> out;
  for (std::size_t begin = 0; begin <= text.size();) {
    const std::size_t end = std::min(text.find(':', begin), text.size());
    if (end > begin) out.push_back(text.substr(begin, end - begin));
    begin = end + 1;
  }
  return out;
}

}  // namespace

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

Expected<Access> findAccess(const std::string& file, const std::string& context) {
  if (!file.empty()) return kubeconfigAccess({file}, context);
  if (const auto paths = splitPaths(environment("KUBECONFIG")); !paths.empty())
    return kubeconfigAccess(paths, context);
  if (!environment("KUBERNETES_SERVICE_HOST").empty() && context.empty()) return inClusterAccess();
  const std::string home = environment("HOME");
  if (home.empty())
    return fail(ErrorCode::InvalidArgument,
                "no API server is known: set KUBECONFIG to a kubeconfig file");
  return kubeconfigAccess({home + "/.kube/config"}, context);
}

}  // namespace reprise::kube
