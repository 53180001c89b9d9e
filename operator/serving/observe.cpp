#include "serving/observe.h"

#include <algorithm>

#include <nlohmann/json.hpp>

#include "api/conditions.h"
#include "api/labels.h"
#include "serving/children.h"

namespace reprise::serving {
namespace {

const api::Deployment* findChild(const Snapshot& snapshot, const std::string& name) {
  for (const auto& child : snapshot.children) {
    if (child->meta.name == name) return child.get();
  }
  return nullptr;
}

// What is in the way of one Pod.
struct Trouble {
  bool final = false;
  std::string reason, message;
};

std::optional<Trouble> fetchTrouble(const api::ContainerStatus& status) {
  if (!status.exitCode || *status.exitCode == 0) return std::nullopt;
  const auto report = nlohmann::json::parse(status.terminatedMessage, nullptr, false);
  if (!report.is_object())
    return Trouble{false, "FetchFailed", "container 'fetch': " + status.terminatedMessage};
  // written inside of the Pod: nothing in it is trusted to be there, or to be text
  const auto text = [&report](const char* key) {
    const auto it = report.find(key);
    return it != report.end() && it->is_string() ? it->get<std::string>() : std::string();
  };
  const std::string reason = text("reason").empty() ? "FetchFailed" : text("reason");
  return Trouble{
      reason == "ArtifactCorrupt" || reason == "ArtifactMissing" || reason == "ArtifactMalformed",
      reason, text("message")};
}

std::optional<Trouble> troubleOf(const Snapshot& snapshot, const api::Pod& pod) {
  if (!pod.unschedulable.empty())
    return Trouble{false, "Unschedulable", "Pod " + pod.meta.name + ": " + pod.unschedulable};
  for (const auto& status : pod.containers) {
    if (status.name == "fetch") {
      if (auto trouble = fetchTrouble(status)) return trouble;
    }
    // ContainerCreating and PodInitializing are how every Pod begins
    if (!status.waitingReason.empty() && status.waitingReason != "ContainerCreating" &&
        status.waitingReason != "PodInitializing") {
      std::string message =
          "container '" + status.name + "' of Pod " + pod.meta.name + ": " + status.waitingMessage;
      if (!status.terminatedMessage.empty())
        message += "; it last said: " + status.terminatedMessage;
      return Trouble{false, status.waitingReason, message};
    }
  }
  const auto fact = snapshot.monitors.find(pod.meta.name);
  if (fact != snapshot.monitors.end() && fact->second.golden == "Failed") {
    return Trouble{true, "GoldenRequestsFailed", fact->second.message};
  }
  return std::nullopt;
}

std::optional<Trouble> worst(const Snapshot& snapshot, const std::string& version) {
  std::optional<Trouble> found;
  for (const auto& pod : snapshot.pods) {
    if (pod->meta.label(api::kVersionLabel) != version || pod->meta.deleted) continue;
    auto trouble = troubleOf(snapshot, *pod);
    if (trouble && (!found || trouble->final)) found = std::move(trouble);
  }
  return found;
}

}  // namespace

Health health(const Snapshot& snapshot, const std::string& version) {
  const api::Deployment* child = findChild(snapshot, childName(*snapshot.deployment, version));
  if (!child || child->meta.deleted) return {};
  const bool current = child->observedGeneration >= child->meta.generation;
  const std::int32_t ready = current ? std::min(child->availableReplicas, child->readyReplicas) : 0;
  const auto& spec = snapshot.deployment->spec;
  if (current && ready >= spec.replicas && child->updatedReplicas >= spec.replicas) {
    return {Health::State::Ready, ready, "Ready", {}};
  }
  const auto trouble = worst(snapshot, version);
  if (trouble && trouble->final)
    return {Health::State::Failed, ready, trouble->reason, trouble->message};
  const auto* progressing = api::findCondition(child->conditions, "Progressing");
  if (current && progressing && progressing->status == "False") {
    return {Health::State::Failed, ready, trouble ? trouble->reason : "ProgressDeadlineExceeded",
            "its Pods were not ready within spec.progressDeadlineSeconds (" +
                std::to_string(spec.progressDeadlineSeconds) + ")" +
                (trouble ? ": " + trouble->message : "; see kubectl describe pod")};
  }
  if (trouble) return {Health::State::Progressing, ready, trouble->reason, trouble->message};
  return {Health::State::Progressing, ready, "Starting",
          std::to_string(ready) + " of " + std::to_string(spec.replicas) + " Pods are ready"};
}

}  // namespace reprise::serving
