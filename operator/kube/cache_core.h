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
  using Item = std::shared_ptr<const void>;
  using Decode = std::function<Expected<Item>(const Json&)>;
  using Index = std::function<std::vector<std::string>(const void*)>;
  struct Change {
    std::string ns, name;
    Item old, now;
    bool initial = false;
  };
  using Handler = std::function<void(const Change&)>;

  CacheCore(const Resource& resource, Decode decode, std::map<std::string, Index> indexes,
            Milliseconds writeLimit, std::shared_ptr<const Clock> clock);

  void onChange(Handler handler) { handlers_.push_back(std::move(handler)); }

  std::string name() const { return name_; }
  bool synced() const;
  bool waitSynced(std::stop_token stop) const;
  Item get(std::string_view ns, std::string_view name) const;
  std::vector<Item> list(std::string_view ns) const;
  std::vector<Item> byIndex(const std::string& index, const std::string& key) const;
  std::string resourceVersion(std::string_view ns, std::string_view name) const;

  void noteWritten(std::string_view ns, std::string_view name, std::string_view resourceVersion);
  bool caughtUp(std::string_view ns, std::string_view name) const;
  bool waitCaughtUp(std::string_view ns, std::string_view name, std::stop_token stop) const;
  CacheStats stats() const;

  // WatchSink
  void begin() override;
  void apply(Json object) override;
  void remove(Json object) override;
  void end() override;
  void failed(const Error& error) override;
  void connected() override;

 private:
  using Key = std::pair<std::string, std::string>;
  struct Entry {
    Item item;
    std::string resourceVersion;
  };
  using Entries = std::map<Key, Entry>;
  // Of one index: hash of the value -> the object. A value itself is not kept: it is asked of the
  // object again. Nodes of a map stay where they are.
  using Indexed = std::unordered_multimap<std::size_t, Entries::const_pointer>;
  struct Written {
    std::string resourceVersion;
    std::uint64_t relists = 0;  // begun by then
    SteadyTime at;
  };

  // With the lock held.
  bool take(const Key& key, Expected<Item> decoded, Entry& into);
  void put(const Key& key, Entry entry, std::vector<Change>& changes);
  void erase(const Key& key, std::vector<Change>& changes);
  void saw(const Key& key, const std::string& resourceVersion);
  void remember(const Key& key, const std::string& resourceVersion);
  bool seenLocked(const Key& key, std::string_view resourceVersion) const;
  void addToIndexes(Entries::const_reference entry);
  void removeFromIndexes(Entries::const_reference entry);
  bool caughtUpLocked(const Key& key) const;
  void tell(const std::vector<Change>& changes);

  const Decode decode_;
  const std::map<std::string, Index> indexes_;
  const Milliseconds writeLimit_;
  const std::shared_ptr<const Clock> clock_;
  const std::string name_;
  std::vector<Handler> handlers_;

  mutable std::mutex mutex_;
  mutable std::condition_variable_any moved_;
  Entries entries_;
  std::map<std::string, Indexed> index_;
  Entries pending_;  // of a relist under way
  bool listing_ = false, synced_ = false;
  // What was seen lately, as hashes of object and version: a watch is often faster than the answer
  // to the write itself. Older than any answer can be, it is forgotten.
  std::unordered_set<std::size_t> seen_;
  std::deque<std::pair<SteadyTime, std::size_t>> seenAt_;
  mutable std::map<Key, Written> written_;  // outstanding
  CacheStats stats_;
};

}  // namespace reprise::kube
