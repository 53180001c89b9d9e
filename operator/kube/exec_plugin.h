// Credentials from a program that kubeconfig names (client.authentication.k8s.io), as cloud
// providers have them.
#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "kube/credentials.h"

namespace reprise::kube {

struct ExecPlugin {
  std::string where;    // file and field, for messages
  std::string command;  // a path, or a name looked for in PATH
  std::vector<std::string> args;
  std::vector<std::pair<std::string, std::string>> env;
  std::string apiVersion, installHint;
  Milliseconds deadline{60'000};
};

// What it says is kept until its expirationTimestamp, or a 401. It never asks anybody: its input is
// empty.
std::shared_ptr<Credentials> execCredentials(
    ExecPlugin plugin, std::shared_ptr<const Clock> clock = std::make_shared<SystemClock>());

}  // namespace reprise::kube
