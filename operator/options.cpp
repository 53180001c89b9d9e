#include "options.h"

#include <CLI/CLI.hpp>

#include <vector>

namespace reprise {

std::optional<Options> parseOptions(int argc, char** argv, int& exitCode) {
  Options out;
  std::vector<std::string> insecure;
  std::string interval = "500ms";
  CLI::App app{
      "Trains, records and serves models; brings an earlier one back when its data comes back.",
      "reprise-operator"};
  app.set_version_flag("--version", REPRISE_VERSION);
  app.add_option("--agent-image", out.agentImage, "image that holds reprise-agent")->required();
  app.add_option("--agent-pull-policy", out.agentPullPolicy, "when that image is pulled")
      ->check(CLI::IsMember({"IfNotPresent", "Always", "Never"}));
  app.add_option("--kubeconfig", out.kubeconfig,
                 "file to use instead of KUBECONFIG or the service account");
  app.add_option("--watch-namespace", out.watchNamespace, "only this namespace; all, if left out");
  app.add_flag("--leader-elect", out.leaderElect,
               "work only while holding the Lease: for more than one replica");
  app.add_option("--lease-namespace", out.leaseNamespace,
                 "namespace of the Lease; the operator's own, if left out");
  app.add_option("--lease-name", out.leaseName, "name of the Lease");
  app.add_option("--health-port", out.healthPort, "port of /healthz and /readyz");
  app.add_option("--metrics-port", out.metricsPort, "port of /metrics");
  app.add_option("--webhook-port", out.webhookPort,
                 "port of the webhook that takes drift signals; not open, if left out");
  auto* cert = app.add_option("--webhook-tls-cert", out.webhookCert,
                              "PEM file with the webhook's certificate and its chain, read again "
                              "when it changes; plain HTTP, if left out");
  auto* key = app.add_option("--webhook-tls-key", out.webhookKey, "PEM file with its key");
  cert->needs(key);
  key->needs(cert);
  app.add_option("--insecure-registry", insecure,
                 "registry (host:port) that speaks plain HTTP; may be given again");
  app.add_option("--log-level", out.logLevel, "how much is logged")
      ->check(CLI::IsMember({"debug", "info", "warn", "error"}));
  app.add_option("--workers", out.workers, "threads of each controller")->check(CLI::Range(1, 64));
  app.add_option("--monitor-interval", interval,
                 "between two looks at the monitors of Pods, e.g. 500ms");
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    exitCode = app.exit(error);
    return std::nullopt;
  }
  const auto parsed = parseDuration(interval);
  if (!parsed || *parsed < Milliseconds(50)) {
    std::cerr << "--monitor-interval: '" << interval
              << "' is no duration of at least 50ms; write e.g. 500ms\n";
    exitCode = 2;
    return std::nullopt;
  }
  out.monitorInterval = *parsed;
  out.insecureRegistries = {insecure.begin(), insecure.end()};
  return out;
}

}  // namespace reprise
