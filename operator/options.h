// What the operator is told on its command line.
#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <string>

#include "base/result.h"
#include "base/time.h"

namespace reprise {

struct Options {
  std::string agentImage;  // the image that holds reprise-agent
  std::string agentPullPolicy = "IfNotPresent";
  std::string kubeconfig;      // "": KUBECONFIG, the Pod's service account, ~/.kube/config
  std::string watchNamespace;  // "": all
  bool leaderElect = false;
  std::string leaseNamespace;  // "": the operator's own
  std::string leaseName = "reprise-operator";
  std::uint16_t healthPort = 8081, metricsPort = 8080;
  std::uint16_t webhookPort = 0;             // of drift signals from outside; 0: not open
  std::string webhookCert, webhookKey;       // PEM files of its TLS, both or none; "": plain HTTP
  std::set<std::string> insecureRegistries;  // host:port that speak plain HTTP
  std::string logLevel = "info";
  std::size_t workers = 2;            // of each controller
  Milliseconds monitorInterval{500};  // between two looks at the monitors of Pods
};

// Nothing after --help, --version or a mistake, which have been answered; `exitCode` says how to
// end.
std::optional<Options> parseOptions(int argc, char** argv, int& exitCode);

}  // namespace reprise
