// A cache of one kind that follows the API server: Cache<T> holds each object as a T, made by a
// decoder.
//
//   Cache<api::Job> jobs({.resource = resources::jobs, .labelSelector =
//   "app.kubernetes.io/managed-by=reprise"},
//                        [](JsonView j) { return Expected<api::Job>(api::decodeJob(j)); },
//                        {{"owner", [](const api::Job& j) { return std::vector{ownerUid(j)}; }}});
//   jobs.onChange([&](const auto& change) { queue.add(…); });      // before start()
//   jobs.start(connection);
//
// A relist replaces everything at once: nobody sees half of one, and what vanished in a gap is told
// as a deletion.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <stop_token>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "json/view.h"
#include "kube/cache_core.h"
#include "kube/watcher.h"

namespace reprise::kube {

// Which objects: a namespace ("" = all), and selectors as the API server takes them.
struct CacheOptions {
  Resource resource;
  std::string ns;
  std::string labelSelector, fieldSelector;
  WatchTiming timing;
  // After this long without having seen our own write, caughtUp() is true again: something else is
  // wrong then, and waiting for ever would hide it. resourceVersion preconditions still keep writes
  // safe.
  Milliseconds readYourWritesLimit{10'000};
};

// Whether an object appeared, changed or vanished. old == nullptr: new. now == nullptr: gone; `old`
// is what was known last. Both with another uid: it was deleted and made anew in a gap.
template <class T>
struct Change {
  std::string ns, name;
  std::shared_ptr<const T> old, now;
  bool initial = false;  // part of the first list: less urgent than a change
};

// How a T is kept while nobody looks at it: as the bytes that pack() makes of it, compressed. What
// unpack() makes of them is equal to it. It costs some 10 µs a look at an object that was not
// looked at lately, and is for caches of thousands. Without the two each object is kept as a T.
template <class T>
struct Packing {
  std::function<std::string(const T&)> pack;
  std::function<T(std::string_view)> unpack;
};

// All functions are safe from many threads.
template <class T>
class Cache {
 public:
  using Decode = std::function<Expected<T>(JsonView)>;
  using Index = std::function<std::vector<std::string>(const T&)>;
  using Handler = std::function<void(const Change<T>&)>;

  // An index gives the keys under which byIndex() finds an object; it must be pure. What cannot be
  // decoded keeps its last good state, is logged by name and counted in stats().undecodable.
  Cache(CacheOptions options, Decode decode, std::map<std::string, Index> indexes = {},
        Packing<T> packing = {},
        std::shared_ptr<const Clock> clock = std::make_shared<SystemClock>())
      : options_(std::move(options)),
        core_(options_.resource, erase(std::move(decode)), erase(std::move(indexes)),
              erase(std::move(packing)), options_.readYourWritesLimit, std::move(clock)) {}
  ~Cache() { stop(); }
  Cache(const Cache&) = delete;
  Cache& operator=(const Cache&) = delete;

  // Before start(). Called on the cache's own thread, one change after the other, after the cache
  // has changed: a handler only enqueues; one that blocks stops the cache.
  void onChange(Handler handler) {
    core_.onChange([handler = std::move(handler)](const CacheCore::Change& change) {
      handler({change.ns, change.name, std::static_pointer_cast<const T>(change.old),
               std::static_pointer_cast<const T>(change.now), change.initial});
    });
  }

  // Begins to follow, on a thread of its own; `connection` outlives stop().
  void start(ApiConnection& connection) {
    thread_ = std::jthread([this, &connection](std::stop_token stop) {
      Watcher(connection,
              {options_.resource, options_.ns, options_.labelSelector, options_.fieldSelector},
              core_, options_.timing)
          .run(stop);
    });
  }
  // Cancels what is under way and waits for the thread. What is cached stays readable.
  void stop() {
    thread_.request_stop();
    if (thread_.joinable()) thread_.join();
  }

  // "pods", with its group: "jobs.batch".
  std::string name() const { return core_.name(); }
  // Has seen everything that exists once.
  bool hasSynced() const { return core_.synced(); }

  // nullptr where there is none.
  std::shared_ptr<const T> get(std::string_view ns, std::string_view objectName) const {
    return std::static_pointer_cast<const T>(core_.get(ns, objectName));
  }
  // Ordered by namespace and name; "" = all namespaces.
  std::vector<std::shared_ptr<const T>> list(std::string_view ns = {}) const {
    return cast(core_.list(ns));
  }
  // An index that was not given is a bug and throws std::out_of_range.
  std::vector<std::shared_ptr<const T>> byIndex(const std::string& index,
                                                const std::string& key) const {
    return cast(core_.byIndex(index, key));
  }
  // Namespaces and names alone, in the same order, without a look at the objects: of byIndex() with
  // others among them, very rarely. To wake somebody is what they are good for.
  std::vector<std::pair<std::string, std::string>> keys() const { return core_.keys(); }
  std::vector<std::pair<std::string, std::string>> keysByIndex(const std::string& index,
                                                               const std::string& key) const {
    return core_.keysByIndex(index, key);
  }
  // "" where there is none. Opaque: only good for == and as a precondition.
  std::string resourceVersion(std::string_view ns, std::string_view objectName) const {
    return core_.resourceVersion(ns, objectName);
  }

  // Read your writes. noteWritten: the API server answered a write of ours with this
  // resourceVersion. caughtUp: the cache has seen it, or a relist begun after it, or the limit has
  // passed. (The end of the object is no proof: we may have made it anew since. But a watch is in
  // order, so a write before that end was seen before it.)
  void noteWritten(std::string_view ns, std::string_view objectName,
                   std::string_view resourceVersion) {
    core_.noteWritten(ns, objectName, resourceVersion);
  }
  bool caughtUp(std::string_view ns, std::string_view objectName) const {
    return core_.caughtUp(ns, objectName);
  }
  // Blocks until caughtUp(); false where `stop` came first.
  bool waitCaughtUp(std::string_view ns, std::string_view objectName, std::stop_token stop) const {
    return core_.waitCaughtUp(ns, objectName, stop);
  }
  // Blocks until hasSynced(); false where `stop` came first.
  bool waitSynced(std::stop_token stop) const { return core_.waitSynced(stop); }

  CacheStats stats() const { return core_.stats(); }

  // Where the events come in, for tests without a server.
  WatchSink& sink() { return core_; }

 private:
  static CacheCore::Decode erase(Decode decode) {
    return [decode = std::move(decode)](JsonView object) -> Expected<CacheCore::Item> {
      auto decoded = decode(object);
      if (!decoded) return tl::unexpected(decoded.error());
      return std::make_shared<const T>(std::move(*decoded));
    };
  }
  static std::map<std::string, CacheCore::Index> erase(std::map<std::string, Index> indexes) {
    std::map<std::string, CacheCore::Index> out;
    for (auto& [name, index] : indexes) {
      out[name] = [of = std::move(index)](const void* item) {
        return of(*static_cast<const T*>(item));
      };
    }
    return out;
  }
  static ItemStore::Packing erase(Packing<T> packing) {
    if (!packing.pack) return {};
    return {[pack = std::move(packing.pack)](const void* item) {
              return pack(*static_cast<const T*>(item));
            },
            [unpack = std::move(packing.unpack)](std::string_view bytes) {
              return std::make_shared<const T>(unpack(bytes));
            }};
  }
  static std::vector<std::shared_ptr<const T>> cast(const std::vector<CacheCore::Item>& items) {
    std::vector<std::shared_ptr<const T>> out;
    out.reserve(items.size());
    for (const auto& item : items) out.push_back(std::static_pointer_cast<const T>(item));
    return out;
  }

  CacheOptions options_;
  CacheCore core_;
  std::jthread thread_;  // last: it uses the others
};

}  // namespace reprise::kube
