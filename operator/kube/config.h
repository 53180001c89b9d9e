// Where the API server is and who we are: from inside a Pod, or from kubeconfig files. Errors name
// file, field and mend.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/http.h"
#include "base/result.h"
#include "kube/credentials.h"

namespace reprise::kube {

struct Access {
  std::string server;          // "https://host:port", without a slash at the end
  std::string ns = "default";  // of the context, or of the Pod
  std::string source;          // where this was found, for messages
  // Reads authority and client certificate, each time anew.
  std::function<Expected<http::TlsOptions>()> tls;
  std::shared_ptr<Credentials> credentials;
};

inline constexpr const char* kServiceAccountFolder =
    "/var/run/secrets/kubernetes.io/serviceaccount";

// A Pod's service account: `folder` holds token, ca.crt and namespace; the address is in
// KUBERNETES_SERVICE_HOST and _PORT.
Expected<Access> inClusterAccess(const std::string& folder = kServiceAccountFolder);

// Merged as kubectl does: the first file that names a cluster, user, context or current-context
// wins, paths inside a file are relative to it, and files that do not exist are passed over as long
// as one does. `context` "" = current-context.
Expected<Access> kubeconfigAccess(const std::vector<std::string>& files,
                                  const std::string& context = {});

// The first that there is: `file`, KUBECONFIG, the Pod's service account, ~/.kube/config.
Expected<Access> findAccess(const std::string& file = {}, const std::string& context = {});

}  // namespace reprise::kube
