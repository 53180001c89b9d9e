// The plans are total: whatever an object that the API server accepted says, they answer, and what
// they write is sound. Line 1: a ModelDeployment; 2: a TrainingPipeline; 3: a ModelVersion; 4: a
// Pod; 5: a Job; 6: a Deployment.
#include "fuzz/fuzz.h"

#include <vector>

#include "api/codec.h"
#include "api/core/objects.h"
#include "json/view.h"
#include "registry/version_plan.h"
#include "serving/plan.h"
#include "training/plan.h"

using namespace reprise;

namespace {

void judge(const api::Plan& plan) {
  for (const auto& child : plan.apply) {
    fuzz::require(
        child.is_object() && child.contains("kind") && child["metadata"]["name"].is_string(),
        "a child has no kind or name: " + child.dump());
  }
  for (const auto& gone : plan.remove) fuzz::require(!gone.name.empty(), "a removal has no name");
}

}  // namespace

REPRISE_FUZZ_TARGET(text) {
  std::vector<nlohmann::json> lines;
  for (std::size_t begin = 0; begin <= text.size() && lines.size() < 6;) {
    const auto end = std::min(text.find('\n', begin), text.size());
    auto line = fuzz::parse(text.substr(begin, end - begin));
    lines.push_back(line.is_discarded() ? nlohmann::json::object() : std::move(line));
    begin = end + 1;
  }
  lines.resize(6, nlohmann::json::object());
  for (auto& line : lines) {  // whatever an API server stores has a name and a uid
    if (!line.is_object()) return;
    auto& meta = line["metadata"];
    if (!meta.is_object()) meta = nlohmann::json::object();
    for (const char* key : {"name", "uid"}) {
      if (!meta.contains(key) || !meta[key].is_string() || meta[key] == "") meta[key] = "fuel-1";
    }
  }
  const auto deployment = api::decodeModelDeployment(JsonText(lines[0]));
  const auto pipeline = api::decodeTrainingPipeline(JsonText(lines[1]));
  const auto version = api::decodeModelVersion(JsonText(lines[2]));
  if (!deployment || !pipeline || !version) return;
  const Time now{Milliseconds{1'700'000'000'000}};
  const auto d = std::make_shared<const api::ModelDeployment>(*deployment);
  const auto p = std::make_shared<const api::TrainingPipeline>(*pipeline);
  const auto v = std::make_shared<const api::ModelVersion>(*version);
  const auto pod = std::make_shared<const api::Pod>(api::decodePod(JsonText(lines[3])));

  serving::Snapshot serving;
  serving.deployment = d;
  serving.children = {
      std::make_shared<const api::Deployment>(api::decodeDeployment(JsonText(lines[5])))};
  serving.pods = {pod};
  serving.versions = {v};
  serving.pipelines = {p};
  serving.settings.agentImage = "reprise:fuzz";
  serving.now = now;
  serving.outside.asked = serving.outside.webhookOn = true;
  serving.outside.value = 0.5;
  serving.outside.events = {{"e1", "s", now, true, 0.5, "fuel-1", {}, "said"},
                            {"e2", "s", now, true, {}, {}, "vehicle-a", {}},
                            {"e3", "s", now, false, {}, {}, {}, {}}};
  judge(serving::plan(serving));

  training::Snapshot training;
  training.pipeline = p;
  training.jobs = {std::make_shared<const api::Job>(api::decodeJob(JsonText(lines[4])))};
  training.pods = {pod};
  training.versions = {v};
  training.deployments = {d};
  training.image =
      registry::ImageFact{"r.example.com/fuel@sha256:" + std::string(64, '1'), {}, {}, now};
  training.settings.agentImage = "reprise:fuzz";
  training.now = now;
  judge(training::plan(training));

  judge(registry::planVersion({v, p, {d}, now}));
}
