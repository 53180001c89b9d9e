// The object that a reconcile is about, as it was read.
#pragma once

#include <string>

#include <nlohmann/json.hpp>

#include "kube/resource.h"
#include "runtime/key.h"

namespace reprise::runtime {

struct Subject {
  kube::Resource resource;
  std::string ns, name, uid;
  std::string
      resourceVersion;    // of the read that was planned on: the precondition of the status write
  nlohmann::json status;  // as it was read; null if there is none yet

  Key key() const { return {ns, name}; }
  std::string text() const { return resource.kind + " " + ns + "/" + name; }
};

}  // namespace reprise::runtime
