// An API server in memory, for tests: what kube::Client promises, and nothing of the network.
// Writes are counted, and a test can let any of them fail or "crash" the caller before or after it
// took effect.
//
// Like the real one: resourceVersions grow only where something changed; metadata.resourceVersion
// and metadata.uid are preconditions; status is written only through its subresource (for the kinds
// that have one); an applied field that its manager no longer applies is removed; an apply that is
// not forced conflicts with what others wrote; an update of something equal is no write; watches
// are served from a history that can be compacted; what `defaults` fills in is stored. Unlike it:
// nothing is validated, there are no finalizers, lists are atomic, deletion is at once, owned
// objects go with collectGarbage().
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <tuple>
#include <vector>

#include "kube/client.h"

namespace reprise::runtime::testing {

using kube::Json;

// Thrown out of a call to end the caller as kill -9 would. No std::exception: nothing may catch it
// on the way.
struct Crash {};

struct Write {
  std::string verb;  // create, apply, apply/status, replace, patch, patch/status, remove
  std::string plural, ns, name;
  bool changed = false;  // whether the stored state is another one now
  bool refused = false;  // the server said no

  std::string text() const { return verb + " " + plural + "/" + name; }
};

// One event of a watch.
struct WatchEvent {
  enum class Type { Added, Modified, Deleted };
  Type type = Type::Added;
  std::uint64_t version = 0;
  std::shared_ptr<const Json> object;  // of a deletion: the last state, with the deletion's version
};

// All objects of a kind as they were at one version.
struct Listing {
  std::uint64_t version = 0;
  std::vector<std::shared_ptr<const Json>> objects;
};

class FakeClient : public kube::Client {
 public:
  enum class When { Before, After };  // relative to the write taking effect
  // What befalls one write: an error before it took effect, an answer that is lost, or the end of
  // the caller.
  enum class Fault { None, Fail, LoseAnswer, CrashBefore, CrashAfter };

  Expected<Json> get(const kube::Resource&, std::string_view ns, std::string_view name) override;
  Expected<Json> create(const kube::Resource&, std::string_view ns, const Json& object) override;
  Expected<Json> apply(const kube::Resource&, std::string_view ns, const Json& object,
                       const kube::ApplyOptions& = {}) override;
  Expected<Json> replace(const kube::Resource&, std::string_view ns, const Json& object) override;
  Expected<Json> mergePatch(const kube::Resource&, std::string_view ns, std::string_view name,
                            const Json& patch, std::string_view subresource = {}) override;
  Expected<void> remove(const kube::Resource&, std::string_view ns, std::string_view name,
                        const kube::DeleteOptions&) override;

  // The next call fails with this; After: it took effect, and the answer was lost.
  void failNext(Error error, When when = When::Before);
  // The n-th write from now (1 = the next) throws Crash.
  void crashAt(std::size_t nth, When when);
  // Called for each call before it is carried out, without the lock held: (verb, plural, name).
  std::function<void(const std::string&, const std::string&, const std::string&)> onCall;

  // Asked for each write before it is carried out, without the lock held. `changed` is not known
  // yet.
  std::function<Fault(const Write&)> onWrite;
  // Told of each write of the caller that changed something, without the lock held: what was there
  // and what is there (nullptr: nothing).
  std::function<void(const Write&, const Json* before, const Json* after)> onChanged;
  // Completes an object before it is stored, as the defaults of a schema do. Idempotent.
  std::function<void(const kube::Resource&, Json& object)> defaults;

  // Watches. A version is of the whole store, as in etcd.
  std::uint64_t version() const;
  // The next events after `version`, oldest first, at most `limit`. Gone: that far back was
  // compacted.
  Expected<std::vector<WatchEvent>> eventsSince(const kube::Resource&, std::uint64_t version,
                                                std::size_t limit) const;
  // As it was at `version`, compacted or not: an API server that lags serves such a list.
  Listing listAt(const kube::Resource&, std::uint64_t version) const;
  // Watches from before `version` are Gone from now on.
  void compact(std::uint64_t version);

  // What a user or another controller does: bypasses failures and the log. Sets what is given, as
  // it is given.
  Json put(const kube::Resource&, const Json& object);
  void erase(const kube::Resource&, const std::string& ns, const std::string& name);
  // Removes objects whose controller is gone, as the garbage collector does.
  void collectGarbage();

  std::optional<Json> find(const kube::Resource&, const std::string& ns,
                           const std::string& name) const;
  std::vector<Json> list(const kube::Resource&) const;
  // The same without copies; nullptr where there is none.
  std::shared_ptr<const Json> peek(const kube::Resource&, const std::string& ns,
                                   const std::string& name) const;
  std::vector<std::shared_ptr<const Json>> peekAll(const kube::Resource&) const;
  // Everything, without what differs from run to run (uid, resourceVersion, generation, times).
  Json state() const;

  std::vector<Write> writes() const;
  std::size_t writeCount() const;
  std::size_t changeCount() const;  // those that changed something
  void clearWrites();

 private:
  using Id = std::tuple<std::string, std::string, std::string>;  // plural.group, ns, name
  struct Stored {
    std::shared_ptr<const Json> object;
    std::map<std::string, Json> applied;  // by manager and subresource
  };
  struct Failure {
    Error error;
    When when;
  };

  static Id idOf(const kube::Resource&, std::string_view ns, std::string_view name);
  Expected<Json> write(const std::string& verb, const kube::Resource&, std::string_view ns,
                       std::string_view name,
                       const std::function<Expected<Json>(const Id&)>& effect);
  Expected<Json> applyTo(const Id&, const kube::Resource&, const Json& object,
                         const kube::ApplyOptions&);
  Json store(const Id&, const kube::Resource&, Json object);  // gives identity and versions
  void drop(std::map<Id, Stored>::iterator);
  Error notFound(const Id&) const;

  mutable std::mutex mutex_;
  std::map<Id, Stored> objects_;
  std::map<std::string, std::vector<WatchEvent>> history_;  // by kind, as in Id
  std::uint64_t compacted_ = 0;
  std::vector<Write> writes_;
  std::optional<Failure> failure_;
  std::optional<std::pair<std::size_t, When>> crash_;
  std::uint64_t version_ = 100, uids_ = 0;
};

}  // namespace reprise::runtime::testing
