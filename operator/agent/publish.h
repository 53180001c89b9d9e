// `publish`: from what a run left behind to a ModelVersion. The artifact is stored first: a version
// that can be listed can be served.
#pragma once

#include <filesystem>
#include <functional>
#include <string>

#include "agent/termination.h"
#include "base/time.h"
#include "kube/client.h"

namespace reprise::agent {

struct PublishOptions {
  std::filesystem::path input, output, store;
  std::string writer;   // names this Pod: see storeModel()
  std::string context;  // JSON text of the context that the run was asked for; "": none
};

// How long, and how, an API server that does not answer is waited for.
struct Patience {
  const Clock& clock;
  std::function<void(Milliseconds)> sleep;
  Milliseconds limit{120'000};
};

// Made only once the artifact is stored: the token's folder may be a mistake, the files are checked
// before.
using ConnectApi = std::function<Expected<std::shared_ptr<kube::Client>>()>;

// Reasons: Published; those of readOutcome(); ModelMalformed (a symlink that leaves model/ …);
// StoreFailed; VersionTaken (another run's version has the name); RegistrationFailed (the API
// server did not take it).
Ending publish(const PublishOptions& options, const ConnectApi& connect, const Patience& patience);

// Creates `object`, a ModelVersion. Where one of its name is there already, it is this run's own
// from an earlier Pod, which is a success, or another's. Tries again what can succeed later, and
// honours Retry-After.
Ending registerVersion(kube::Client& client, const nlohmann::json& object,
                       const Patience& patience);

}  // namespace reprise::agent
