// The caches of all kinds as one SeenWrites. Filled before anything starts; read-only then, so safe
// from many threads where the caches are.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <utility>

#include "runtime/seen_writes.h"

namespace reprise::runtime {

class CacheSet final : public SeenWrites {
 public:
  struct Entry {
    std::function<void(const std::string& ns, const std::string& name,
                       const std::string& resourceVersion)>
        noteWritten;
    std::function<bool(const std::string& ns, const std::string& name)> caughtUp;
  };

  void add(const kube::Resource& resource, Entry entry) {
    entries_[idOf(resource)] = std::move(entry);
  }

  void noteWritten(const kube::Resource& resource, const std::string& ns, const std::string& name,
                   const std::string& resourceVersion) override {
    const auto found = entries_.find(idOf(resource));
    if (found != entries_.end()) found->second.noteWritten(ns, name, resourceVersion);
  }
  bool caughtUp(const kube::Resource& resource, const std::string& ns,
                const std::string& name) const override {
    const auto found = entries_.find(idOf(resource));
    return found == entries_.end() || found->second.caughtUp(ns, name);
  }

 private:
  static std::string idOf(const kube::Resource& resource) {
    return resource.plural + "." + resource.group;
  }

  std::map<std::string, Entry> entries_;
};

}  // namespace reprise::runtime
