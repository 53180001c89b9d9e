#include "training/versions.h"

#include <charconv>

namespace reprise::training {

std::string versionName(const std::string& model, std::int64_t number) {
  return model + "-" + std::to_string(number);
}

std::int64_t numberOf(const std::string& name, const std::string& prefix) {
  if (!name.starts_with(prefix + "-")) return 0;
  std::int64_t value = 0;
  const char* begin = name.data() + prefix.size() + 1;
  const char* end = name.data() + name.size();
  const auto [stop, ec] = std::from_chars(begin, end, value);
  return ec == std::errc{} && stop == end && value > 0 ? value : 0;
}

const api::ModelVersion* findVersion(const Snapshot& snapshot, const std::string& name) {
  for (const auto& version : snapshot.versions) {
    if (version->meta.name == name) return version.get();
  }
  return nullptr;
}

const api::ModelVersion* newestVersion(const Snapshot& snapshot) {
  const api::ModelVersion* newest = nullptr;
  std::int64_t highest = -1;
  for (const auto& version : snapshot.versions) {
    const auto number = numberOf(version->meta.name, version->spec.model);
    if (number > highest) {
      highest = number;
      newest = version.get();
    }
  }
  return newest;
}

bool isAvailable(const api::ModelVersion& version) {
  for (const auto& condition : version.status.conditions) {
    if (condition.type == "Available") return condition.status == "True";
  }
  return false;
}

nlohmann::json carriedBasis(const Snapshot& snapshot) {
  std::int64_t highest = -1;
  nlohmann::json basis;
  for (const auto& version : snapshot.versions) {
    const auto number = numberOf(version->meta.name, version->spec.model);
    const auto& profile = version->spec.profile;
    if (number > highest && profile.is_object() && profile.contains("basis")) {
      highest = number;
      basis = profile["basis"];
    }
  }
  return basis;
}

const api::ModelDeployment* servingDeployment(const Snapshot& snapshot) {
  const api::ModelDeployment* first = nullptr;
  for (const auto& deployment : snapshot.deployments) {
    if (!first || deployment->meta.name < first->meta.name) first = deployment.get();
  }
  return first;
}

}  // namespace reprise::training
