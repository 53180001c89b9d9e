// The name of a container image, as people write it.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"

namespace reprise::registry {

// registry/repository[:tag][@sha256:…], with Docker's defaults: no registry means docker.io, no tag
// means latest, and a one-word repository of docker.io is library/<word>.
struct ImageReference {
  std::string registry;    // host[:port]
  std::string repository;  // library/python
  std::string tag;         // "" only where a digest is given
  std::string digest;      // sha256:<64 hex digits>, or ""

  // As it was written, without tag and digest, and with `digest`: what a Pod is given.
  std::string pinned(const std::string& digest) const;
  std::string written;  // repository part as it was written, e.g. "python"
};

// InvalidArgument names spec.environment.image and what is wrong.
Expected<ImageReference> parseImageReference(std::string_view text);

}  // namespace reprise::registry
