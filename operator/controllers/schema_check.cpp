#include "controllers/schema_check.h"

#include <spdlog/spdlog.h>

#include "api/crd.h"
#include "api/crd_compare.h"

namespace reprise::controllers {
namespace {

constexpr std::size_t kNamed = 3;  // fields, in the message
constexpr Milliseconds kAgain{30'000}, kAtRest{600'000};
constexpr const char* kMend =
    "; kubectl apply --server-side --force-conflicts -f charts/reprise/crds";

std::string lacks(const std::string& name, const std::vector<std::string>& missing) {
  std::string fields;
  for (std::size_t i = 0; i < std::min(kNamed, missing.size()); ++i)
    fields += (i ? ", " : "") + missing[i];
  if (missing.size() > kNamed)
    fields += " and " + std::to_string(missing.size() - kNamed) + " more";
  return "CustomResourceDefinition " + name + " is older than this operator and lacks " + fields +
         kMend;
}

}  // namespace

bool SchemaCheck::look() {
  bool well = true;
  for (const auto& kind : api::customResourceDefinitions()) {
    const auto ours = kube::Json::parse(kind.definition.dump());
    const std::string name = ours["metadata"]["name"];
    const auto theirs = client_.get(kube::resources::customResourceDefinitions, {}, name);
    if (!theirs && theirs.error().code != ErrorCode::NotFound) {
      well = false;
      const std::lock_guard lock(mutex_);
      if (std::exchange(unasked_[kind.plural], theirs.error().message) != theirs.error().message)
        spdlog::warn("whether the kinds of the cluster are of this operator is not known: {}",
                     theirs.error().message);
      continue;
    }
    std::string problem;
    if (!theirs) {
      problem = "CustomResourceDefinition " + name + " is not there" + kMend;
    } else if (const auto missing = api::missingFrom(*theirs, ours); !missing.empty()) {
      problem = lacks(name, missing);
    }
    well &= problem.empty();
    note(kind.plural, problem);
  }
  const std::lock_guard lock(mutex_);
  looked_ = true;
  return well;
}

void SchemaCheck::note(const std::string& plural, const std::string& problem) {
  const std::lock_guard lock(mutex_);
  unasked_.erase(plural);
  const std::string before = std::exchange(problems_[plural], problem);
  if (before == problem) return;
  if (problem.empty())
    spdlog::info("the kind {} has all fields of this operator now", plural);
  else
    spdlog::error("{}", problem);
}

std::string SchemaCheck::problem() const {
  const std::lock_guard lock(mutex_);
  if (!looked_) return "the kinds of the cluster have not been looked at yet\n";
  std::string out;
  for (const auto& [plural, problem] : problems_) {
    if (!problem.empty()) out += problem + "\n";
  }
  return out;
}

std::map<std::string, bool> SchemaCheck::outdated() const {
  const std::lock_guard lock(mutex_);
  std::map<std::string, bool> out;
  for (const auto& [plural, problem] : problems_) out[plural] = !problem.empty();
  return out;
}

void SchemaCheck::start() {
  thread_ = std::jthread([this](std::stop_token stop) {
    while (!stop.stop_requested()) {
      const bool well = look();
      std::unique_lock lock(mutex_);
      wake_.wait_for(lock, stop, well ? kAtRest : kAgain, [] { return false; });
    }
  });
}

void SchemaCheck::stop() {
  thread_.request_stop();
  wake_.notify_all();
  if (thread_.joinable()) thread_.join();
}

}  // namespace reprise::controllers
