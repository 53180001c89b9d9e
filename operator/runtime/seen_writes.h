// Read your writes: an object is not planned again before the caches have seen what we wrote for it
// last. Without it a plan made from a cache that lags starts a second run, or takes back a switch.
#pragma once

#include <string>

#include "kube/resource.h"

namespace reprise::runtime {

// What the caches of all kinds together know. Implemented over the informers where they are wired.
class SeenWrites {
 public:
  virtual ~SeenWrites() = default;
  // The API server answered a write of ours with this resourceVersion.
  virtual void noteWritten(const kube::Resource& resource, const std::string& ns,
                           const std::string& name, const std::string& resourceVersion) = 0;
  // Whether the cache of that kind has seen the last noted write to this object, or something
  // newer, or its end. True for a kind without a cache.
  virtual bool caughtUp(const kube::Resource& resource, const std::string& ns,
                        const std::string& name) const = 0;
};

}  // namespace reprise::runtime
