// What every object carries.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/time.h"

namespace reprise::api {

inline constexpr const char* kGroup = "reprise.dev";
inline constexpr const char* kApiVersion = "reprise.dev/v1alpha1";

struct OwnerReference {
  std::string apiVersion, kind, name, uid;
  bool controller = false;
};

struct ObjectMeta {
  std::string name, namespace_, uid;
  std::string resourceVersion;  // opaque
  std::int64_t generation = 0;
  std::map<std::string, std::string> labels, annotations;
  std::vector<OwnerReference> owners;
  std::vector<std::string> finalizers;
  std::optional<Time> created, deleted;

  const OwnerReference* controller() const {
    for (const auto& owner : owners) {
      if (owner.controller) return &owner;
    }
    return nullptr;
  }
  std::string label(const std::string& key) const {
    const auto it = labels.find(key);
    return it == labels.end() ? std::string() : it->second;
  }
  std::string annotation(const std::string& key) const {
    const auto it = annotations.find(key);
    return it == annotations.end() ? std::string() : it->second;
  }
};

// metav1.Condition.
struct Condition {
  std::string type;
  std::string status;  // "True", "False", "Unknown"
  std::string reason;  // CamelCase
  std::string message;
  std::optional<Time> lastTransitionTime;
  std::int64_t observedGeneration = 0;
};

}  // namespace reprise::api
