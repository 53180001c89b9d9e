// A cache over FakeClient that is as old as the test wants: it moves only with sync().
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "runtime/actor.h"
#include "runtime/event_sink.h"
#include "runtime/json_view.h"
#include "runtime/testing/fake_client.h"

namespace reprise::runtime::testing {

// Stands for api::Child::contentHash: all but status and what the server counts up.
inline std::uint64_t contentHashOf(const Json& object) {
  Json content = object;
  content.erase("status");
  for (const char* field :
       {"resourceVersion", "generation", "managedFields", "creationTimestamp"}) {
    content["metadata"].erase(field);
  }
  return std::hash<std::string>{}(content.dump());
}

class FakeCache : public SeenWrites {
 public:
  FakeCache(const FakeClient& client, std::vector<kube::Resource> kinds)
      : client_(client), kinds_(std::move(kinds)) {}

  void sync() {
    objects_.clear();
    for (const kube::Resource& kind : kinds_) {
      for (Json& object : client_.list(kind)) {
        const std::string id =
            kind.plural + "/" + metaString(object, "namespace") + "/" + metaString(object, "name");
        objects_[id] = std::move(object);
      }
    }
    written_.clear();  // a whole list is newer than every write before it
  }

  std::optional<Json> find(const kube::Resource& kind, const std::string& ns,
                           const std::string& name) const {
    const auto found = objects_.find(kind.plural + "/" + ns + "/" + name);
    return found == objects_.end() ? std::nullopt : std::optional<Json>(found->second);
  }

  FindChild findChild() const {
    return [this](const std::string& apiVersion, const std::string& kind, const std::string& ns,
                  const std::string& name) -> std::optional<ChildSeen> {
      const auto object = find(*kube::resources::find(apiVersion, kind), ns, name);
      if (!object) return std::nullopt;
      return ChildSeen{metaString(*object, "uid"), controllerUid(*object),
                       annotation(*object, kAppliedAnnotation), contentHashOf(*object)};
    };
  }

  void noteWritten(const kube::Resource& kind, const std::string& ns, const std::string& name,
                   const std::string& version) override {
    const auto seen = find(kind, ns, name);
    if (!seen || metaString(*seen, "resourceVersion") != version)
      written_[kind.plural + "/" + ns + "/" + name] = version;
  }
  bool caughtUp(const kube::Resource& kind, const std::string& ns,
                const std::string& name) const override {
    return !written_.contains(kind.plural + "/" + ns + "/" + name);
  }

 private:
  const FakeClient& client_;
  const std::vector<kube::Resource> kinds_;
  std::map<std::string, Json> objects_;
  std::map<std::string, std::string> written_;
};

struct KeptEvents : EventSink {
  std::vector<api::EventDraft> events;
  void record(const Subject&, const api::EventDraft& event) override { events.push_back(event); }
};

}  // namespace reprise::runtime::testing
