// What a registry said last of one image.
#pragma once

#include <string>

#include "base/time.h"

namespace reprise::registry {

struct ImageFact {
  std::string reference;  // repository@sha256:…; "" if it could not be resolved
  std::string reason,
      message;  // why not: ImageNotFound, RegistryForbidden, RegistryUnavailable, InvalidImage
  Time checkedAt;
};

}  // namespace reprise::registry
