// A version's profile, parsed, and the text of it that Pods are given: made once, not at each look.
#pragma once

#include <string>
#include <utility>

#include "drift/profile.h"

namespace reprise::serving {

struct KnownProfile : drift::ProfileDocument {
  // `json`: what toJson().dump() says of the document.
  KnownProfile(drift::ProfileDocument document, std::string json)
      : drift::ProfileDocument(std::move(document)), text(std::move(json)) {}
  explicit KnownProfile(drift::ProfileDocument document)
      : drift::ProfileDocument(std::move(document)), text(toJson().dump()) {}

  const std::string text;
};

}  // namespace reprise::serving
