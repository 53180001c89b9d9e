// An API server in memory, for tests: what kube::Client promises, and nothing of the network. Writes are counted, and
// a test can let any of them fail or "crash" the caller before or after it took effect.
//
// Like the real one: resourceVersions grow only where something changed; metadata.resourceVersion and metadata.uid are
// preconditions; status is written only through its subresource (for the kinds that have one); an applied field that
// its manager no longer applies is removed; an update of something equal is no write.
// Unlike it: nothing is defaulted or validated, there are no finalizers, lists are atomic, fields are never in
// conflict between managers (apply always forces), deletion is at once, owned objects go with collectGarbage().
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <tuple>
#include <vector>

#include "kube/client.h"

namespace reprise::runtime::testing {

using kube::Json;

// Thrown out of a call to end the caller as kill -9 would. No std::exception: nothing may catch it on the way.
struct Crash {};

struct Write {
  std::string verb;          // create, apply, apply/status, replace, patch, patch/status, remove
  std::string plural, ns, name;
  bool changed = false;      // whether the stored state is another one now

  std::string text() const { return verb + " " + plural + "/" + name; }
};

class FakeClient : public kube::Client {
 public:
  enum class When { Before, After };   // relative to the write taking effect

  Expected<Json> get(const kube::Resource&, std::string_view ns, std::string_view name) override;
  Expected<Json> create(const kube::Resource&, std::string_view ns, const Json& object) override;
  Expected<Json> apply(const kube::Resource&, std::string_view ns, const Json& object,
                       const kube::ApplyOptions& = {}) override;
  Expected<Json> replace(const kube::Resource&, std::string_view ns, const Json& object) override;
  Expected<Json> mergePatch(const kube::Resource&, std::string_view ns, std::string_view name, const Json& patch,
                            std::string_view subresource = {}) override;
  Expected<void> remove(const kube::Resource&, std::string_view ns, std::string_view name,
                        const kube::DeleteOptions&) override;

  // The next call fails with this; After: it took effect, and the answer was lost.
  void failNext(Error error, When when = When::Before);
  // The n-th write from now (1 = the next) throws Crash.
  void crashAt(std::size_t nth, When when);
  // Called for each call before it is carried out, without the lock held: (verb, plural, name).
  std::function<void(const std::string&, const std::string&, const std::string&)> onCall;

  // What a user or another controller does: bypasses failures and the log. Sets what is given, as it is given.
  Json put(const kube::Resource&, const Json& object);
  void erase(const kube::Resource&, const std::string& ns, const std::string& name);
  // Removes objects whose controller is gone, as the garbage collector does.
  void collectGarbage();

  std::optional<Json> find(const kube::Resource&, const std::string& ns, const std::string& name) const;
  std::vector<Json> list(const kube::Resource&) const;
  // Everything, without what differs from run to run (uid, resourceVersion, generation, times).
  Json state() const;

  std::vector<Write> writes() const;
  std::size_t writeCount() const;
  std::size_t changeCount() const;      // those that changed something
  void clearWrites();

 private:
  using Id = std::tuple<std::string, std::string, std::string>;   // plural.group, ns, name
  struct Stored {
    Json object;
    std::map<std::string, Json> applied;   // by manager and subresource
  };
  struct Failure {
    Error error;
    When when;
  };

  static Id idOf(const kube::Resource&, std::string_view ns, std::string_view name);
  Expected<Json> write(const std::string& verb, const kube::Resource&, std::string_view ns, std::string_view name,
                       const std::function<Expected<Json>(const Id&)>& effect);
  Expected<Json> applyTo(const Id&, const kube::Resource&, const Json& object, const kube::ApplyOptions&);
  Json store(const Id&, const kube::Resource&, Json object);   // gives identity and versions
  Error notFound(const Id&) const;

  mutable std::mutex mutex_;
  std::map<Id, Stored> objects_;
  std::map<Id, kube::Resource> kinds_;
  std::vector<Write> writes_;
  std::optional<Failure> failure_;
  std::optional<std::pair<std::size_t, When>> crash_;
  std::uint64_t version_ = 100, uids_ = 0;
};

}  // namespace reprise::runtime::testing
