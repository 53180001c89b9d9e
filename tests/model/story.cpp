#include "model/story.h"

#include <regex>
#include <set>

#include "api/labels.h"
#include "runtime/actor.h"
#include "runtime/json_view.h"

namespace reprise::model {

namespace resources = kube::resources;

namespace {

// What differs with the moment at which something was done.
Json timeless(const Json& value) {
  static const std::set<std::string> moments = {"lastTransitionTime",
                                                "updated",
                                                "time",
                                                "since",
                                                "activeSince",
                                                "targetSince",
                                                "requestedAt",
                                                "checkedAt",
                                                "startTime",
                                                "completionTime",
                                                "driftSeen",
                                                "blindSpot",
                                                "score",
                                                "samples",
                                                "distance",
                                                "margin",
                                                "message",
                                                "tolerance",
                                                "nearest",
                                                "second",
                                                "uid",
                                                "resourceVersion",
                                                "creationTimestamp",
                                                "generation",
                                                "observedGeneration",
                                                runtime::kAppliedAnnotation};
  if (value.is_array()) {
    Json out = Json::array();
    for (const Json& item : value) out.push_back(timeless(item));
    return out;
  }
  if (value.is_string()) {
    const std::string& text = value.get_ref<const std::string&>();
    return text.rfind("uid-", 0) == 0
               ? Json("uid" + text.substr(std::min(text.find('/'), text.size())))
               : value;
  }
  if (!value.is_object()) return value;
  Json out = Json::object();
  for (const auto& [key, item] : value.items()) {
    if (!moments.contains(key)) out[key] = timeless(item);
  }
  return out;
}

}  // namespace

void Story::rounds(int count, bool requests) {
  for (int i = 0; i < count; ++i) run_.round(Milliseconds(1'000), requests);
}

void Story::play(int scene) {
  World& world = run_.world;
  switch (scene) {
    case 0:  // the first version is trained and served
      world.createPipeline();
      world.createDeployment("fuel");
      return rounds(3, false);
    case 1: return rounds(7, true);  // requests as it knows them
    case 2:                          // new data: retrained
      world.live = Kind::B;
      return rounds(12, true);
    case 3:  // the first data again: switched back
      world.live = Kind::A;
      return rounds(12, true);
    case 4: world.live = Kind::B; return rounds(8, true);
    case 5:  // another image: checked, adopted, trained, and promoted as newer data of the same
             // kind
      world.digest = '2';
      return rounds(8, false);
    case 6:  // an image in which training breaks: refused
      world.digest = '3';
      world.brokenDigests.insert('3');
      return rounds(8, false);
    case 7:
      world.annotate(resources::trainingPipelines, "fuel", api::kRunAtAnnotation, "now");
      return rounds(7, false);
    case 8:  // users and chance
      world.edit(resources::modelDeployments, "fuel",
                 [](Json& object) { object["spec"]["replicas"] = 2; });
      world.erase(resources::services, "fuel");
      return rounds(6, false);
    case 9: return rounds(15, false);  // what is no longer used is removed
  }
}

Json Story::state() const {
  Json out = Json::object();
  for (const auto* kind :
       {&resources::trainingPipelines, &resources::modelVersions, &resources::modelDeployments,
        &resources::jobs, &resources::deployments, &resources::services,
        &resources::serviceAccounts, &resources::roleBindings}) {
    for (const auto& object : run_.world.server.peekAll(*kind)) {
      Json kept = timeless(*object);
      if (kept.contains("spec")) kept["spec"].erase("profile");
      out[kind->plural + "/" + runtime::metaString(*object, "name")] = std::move(kept);
    }
  }
  return out;
}

}  // namespace reprise::model
