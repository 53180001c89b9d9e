// Carries out plans: the one place of the operator that writes. Thread-safe.
//
// Order: status, children, removals, events. The status is the record of what was decided, and its
// write is refused (Conflict) where the object is no longer the one that was planned on; then
// nothing else is written either. Where the status needs no write, the object is read anew before
// the first other write and compared: a cache that shows the past (of a server that lags, after a
// restart) takes back nothing and removes nothing. A crash between any two writes is mended by
// planning again: each write is skipped where it was done already.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include "api/plan.h"
#include "base/result.h"
#include "kube/client.h"
#include "runtime/event_sink.h"
#include "runtime/subject.h"
#include "runtime/write_memory.h"

namespace reprise::runtime {

// On each child: SHA-256 of what was applied. It survives the operator, so a restart writes
// nothing.
inline constexpr const char* kAppliedAnnotation = "reprise.dev/applied";

// A child as a cache has it.
struct ChildSeen {
  std::string uid;
  std::string ownerUid;           // of its controller; "" if it has none
  std::string appliedAnnotation;  // "" if it has none
  std::uint64_t contentHash = 0;  // api::Child::contentHash
};

using FindChild =
    std::function<std::optional<ChildSeen>(const std::string& apiVersion, const std::string& kind,
                                           const std::string& ns, const std::string& name)>;
using Leads = std::function<bool()>;

class Actor {
 public:
  // `contentHash` is api::decodeChild(object).contentHash.
  Actor(kube::Client& client, EventSink& events, SeenWrites& seen,
        std::function<std::uint64_t(const nlohmann::json&)> contentHash);

  // Errors: Conflict: read and plan again. Cancelled: no longer the leader. AlreadyExists: a
  // child's name is taken by somebody else's object. Else what the API server said. Those that do
  // not pass by themselves become a Warning event on the subject too.
  Expected<void> act(const Subject& subject, const api::Plan& plan, const FindChild& findChild,
                     const Leads& leads);

  // Whether the caches have seen all that act() wrote for this object: do not plan before.
  bool caughtUp(const kube::Resource& resource, const Key& key) {
    return memory_.caughtUp(resource, key);
  }
  // The object is gone: drop what is remembered about it.
  void forget(const kube::Resource& resource, const Key& key) { memory_.forget(resource, key); }

 private:
  struct Act;  // one call's arguments

  Expected<void> writeStatus(Act& act);
  Expected<void> mayWrite(const Act& act);
  Expected<void> checkGone(const Act& act, const api::ObjectRef& ref);
  Expected<void> writeChild(const Act& act, const nlohmann::json& desired);
  Expected<void> createJob(const Act& act, const kube::Resource& resource,
                           const nlohmann::json& child);
  Expected<void> applyUnseen(const Act& act, const kube::Resource& resource, nlohmann::json child);
  Expected<void> apply(const Act& act, const kube::Resource& resource, const nlohmann::json& child,
                       bool force);
  Expected<void> removeChild(const Act& act, const api::ObjectRef& ref);
  Expected<void> run(Act act);
  void remember(const Act& act, const kube::Resource& resource, const nlohmann::json& answer);

  kube::Client& client_;
  EventSink& events_;
  WriteMemory memory_;
  const std::function<std::uint64_t(const nlohmann::json&)> contentHash_;
};

}  // namespace reprise::runtime
