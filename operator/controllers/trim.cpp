#include "controllers/trim.h"

#include <string>

namespace reprise::controllers {
namespace {

// By which the Job controller marks the Pods of a Job.
constexpr const char* kJobName = "batch.kubernetes.io/job-name";

bool isOurs(const std::string& key) { return key.starts_with("reprise.dev/"); }

}  // namespace

void trim(api::ObjectMeta& meta, bool labels) {
  std::erase_if(meta.annotations, [](const auto& one) { return !isOurs(one.first); });
  std::erase_if(meta.labels, [labels](const auto& one) {
    return !labels || (!isOurs(one.first) && one.first != kJobName);
  });
  std::erase_if(meta.owners, [](const auto& owner) { return !owner.controller; });
  meta.owners.shrink_to_fit();
  meta.finalizers = {};
}

}  // namespace reprise::controllers
