// A ModelVersion as the cache holds it: its profile is parsed when it arrives, and not at each
// look.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "api/model_version.h"
#include "base/result.h"
#include "serving/known_profile.h"

namespace reprise {
class JsonView;  // json/view.h
}

namespace reprise::controllers {

struct KnownVersion {
  api::ModelVersion version;  // of its spec.profile the basis, where `profile` has the rest
  std::shared_ptr<const serving::KnownProfile> profile;  // nullptr: it has none that can be read
};

Expected<KnownVersion> decodeKnownVersion(JsonView object);

// As a cache keeps it; unpack(pack(x)) equals x.
std::string packKnownVersion(const KnownVersion& known);
KnownVersion unpackKnownVersion(std::string_view bytes);

}  // namespace reprise::controllers
