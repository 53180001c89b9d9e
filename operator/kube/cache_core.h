// What Cache<T> does, without T. See informer.h.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <stop_token>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "kube/item_store.h"
#include "kube/resource.h"
#include "kube/watch_sink.h"

namespace reprise::kube {

struct CacheStats {
  std::size_t objects = 0;
  std::uint64_t events = 0;   // single changes that came in after the first list
  std::uint64_t relists = 0;  // full pictures begun, the first one among them
  std::uint64_t relistsDone = 0;
  std::uint64_t undecodable = 0;  // objects that the decoder refused, counted each time they came
  std::uint64_t restarts = 0;     // connections that ended in an error
  std::string lastError;          // of the watch; "" while it is well
};

class CacheCore final : public WatchSink {
 public:
  using Item = ItemStore::Item;
  using Decode = std::function<Expected<Item>(JsonView)>;
  using Index = std::function<std::vector<std::string>(const void*)>;
  struct Change {
    std::string ns, name;
    Item old, now;
    bool initial = false;
  };
  using Handler = std::function<void(const Change&)>;
  using Key = std::pair<std::string, std::string>;  // namespace, name

  CacheCore(const Resource& resource, Decode decode, std::map<std::string, Index> indexes,
            ItemStore::Packing packing, Milliseconds writeLimit,
            std::shared_ptr<const Clock> clock);

  void onChange(Handler handler) { handlers_.push_back(std::move(handler)); }

  std::string name() const { return name_; }
  bool synced() const;
  bool waitSynced(std::stop_token stop) const;
  Item get(std::string_view ns, std::string_view name) const;
  std::vector<Item> list(std::string_view ns) const;
  std::vector<Item> byIndex(const std::string& index, const std::string& key) const;
  std::vector<Key> keys() const;
  std::vector<Key> keysByIndex(const std::string& index, const std::string& key) const;
  std::string resourceVersion(std::string_view ns, std::string_view name) const;

  void noteWritten(std::string_view ns, std::string_view name, std::string_view resourceVersion);
  bool caughtUp(std::string_view ns, std::string_view name) const;
  bool waitCaughtUp(std::string_view ns, std::string_view name, std::stop_token stop) const;
  CacheStats stats() const;

  // WatchSink
  void begin() override;
  void apply(JsonView object) override;
  void remove(JsonView object) override;
  void end() override;
  void failed(const Error& error) override;
  void connected() override;

 private:
  using Held = ItemStore::Held;
  struct Entry {
    Held held;
    std::string resourceVersion;
  };
  using Entries = std::map<Key, Entry>;
  // Of one index: hash of the value -> the object. A value itself is not kept: it is asked of the
  // object again. Nodes of a map stay where they are.
  using Indexed = std::unordered_multimap<std::size_t, Entries::const_pointer>;
  // Where an object is to be found: with each index the hash of its value.
  using Places = std::vector<std::pair<Indexed*, std::size_t>>;
  // As it came, with what its struct was needed for: it is packed by now.
  struct Fresh {
    Entry entry;
    Places places;
  };
  // Looked at only when it is told: of a first list there are thousands.
  struct Told {
    Key key;
    Held old, now;
    bool initial = false;
  };
  struct Written {
    std::string resourceVersion;
    std::uint64_t relists = 0;  // begun by then
    SteadyTime at;
  };

  // With the lock held.
  void undecodable(const Key& key, const Error& error);
  void put(const Key& key, Fresh fresh, std::vector<Told>& changes);
  void erase(const Key& key, std::vector<Told>& changes);
  void saw(const Key& key, const std::string& resourceVersion);
  void remember(const Key& key, const std::string& resourceVersion);
  bool seenLocked(const Key& key, std::string_view resourceVersion) const;
  void removeFromIndexes(Entries::const_reference entry);
  bool caughtUpLocked(const Key& key) const;
  std::vector<Entries::const_pointer> indexedLocked(const std::string& index,
                                                    const std::string& key) const;

  Held lastOf(const Key& key, const std::string& resourceVersion) const;
  Expected<Fresh> freshOf(const JsonView& object, const Key& key,
                          const std::string& resourceVersion);
  Places placesOf(const void* item);
  void tell(const std::vector<Told>& changes);

  const Decode decode_;
  const std::map<std::string, Index> indexes_;
  ItemStore store_;
  const Milliseconds writeLimit_;
  const std::shared_ptr<const Clock> clock_;
  const std::string name_;
  std::vector<Handler> handlers_;

  mutable std::mutex mutex_;
  mutable std::condition_variable_any moved_;
  Entries entries_;
  std::map<std::string, Indexed> index_;
  std::map<Key, Fresh> pending_;  // of a relist under way
  bool listing_ = false, synced_ = false;
  // What was seen lately, as hashes of object and version: a watch is often faster than the answer
  // to the write itself. Older than any answer can be, it is forgotten.
  std::unordered_set<std::size_t> seen_;
  std::deque<std::pair<SteadyTime, std::size_t>> seenAt_;
  mutable std::map<Key, Written> written_;  // outstanding
  CacheStats stats_;
};

}  // namespace reprise::kube
