// A ModelVersion as the cache holds it: its profile is parsed once, when it arrives, and not at
// each look.
#pragma once

#include <memory>

#include "api/model_version.h"
#include "base/result.h"
#include "drift/profile.h"

namespace reprise::controllers {

struct KnownVersion {
  api::ModelVersion version;
  std::shared_ptr<const drift::ProfileDocument> profile;  // nullptr: it has none that can be read
};

Expected<KnownVersion> decodeKnownVersion(const nlohmann::json& object);

}  // namespace reprise::controllers
