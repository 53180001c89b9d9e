#include "kube/cache_core.h"

#include <algorithm>

#include <spdlog/spdlog.h>

#include "json/view.h"

namespace reprise::kube {
namespace {

// Longer than a request of ours may take.
constexpr Milliseconds kSeenFor{120'000};

std::size_t hashOf(const std::pair<std::string, std::string>& key, std::string_view version) {
  std::string whole;
  whole.reserve(key.first.size() + key.second.size() + version.size() + 2);
  whole.append(key.first).append(1, '/').append(key.second).append(1, '@').append(version);
  return std::hash<std::string>{}(whole);
}

std::string show(const std::pair<std::string, std::string>& key) {
  return key.first.empty() ? key.second : key.first + "/" + key.second;
}

}  // namespace

CacheCore::CacheCore(const Resource& resource, Decode decode, std::map<std::string, Index> indexes,
                     ItemStore::Packing packing, Milliseconds writeLimit,
                     std::shared_ptr<const Clock> clock)
    : decode_(std::move(decode)),
      indexes_(std::move(indexes)),
      store_(std::move(packing)),
      writeLimit_(writeLimit),
      clock_(std::move(clock)),
      name_(resource.group.empty() ? resource.plural : resource.plural + "." + resource.group) {
  for (const auto& [index, function] : indexes_) index_[index];
}

bool CacheCore::synced() const {
  std::lock_guard lock(mutex_);
  return synced_;
}

bool CacheCore::waitSynced(std::stop_token stop) const {
  std::unique_lock lock(mutex_);
  return moved_.wait(lock, stop, [&] { return synced_; });
}

CacheCore::Item CacheCore::get(std::string_view ns, std::string_view name) const {
  Held held;
  {
    std::lock_guard lock(mutex_);
    const auto found = entries_.find(Key(ns, name));
    if (found != entries_.end()) held = found->second.held;
  }
  return store_.look(held);
}

std::vector<CacheCore::Item> CacheCore::list(std::string_view ns) const {
  std::vector<Held> found;
  {
    std::lock_guard lock(mutex_);
    for (auto it = entries_.lower_bound(Key(ns, "")); it != entries_.end(); ++it) {
      if (!ns.empty() && it->first.first != ns) break;
      found.push_back(it->second.held);
    }
  }
  std::vector<Item> out;
  out.reserve(found.size());
  for (const Held& held : found) out.push_back(store_.look(held));
  return out;
}

std::vector<CacheCore::Key> CacheCore::keys() const {
  std::lock_guard lock(mutex_);
  std::vector<Key> out;
  out.reserve(entries_.size());
  for (const auto& [key, entry] : entries_) out.push_back(key);
  return out;
}

// In order of their keys. Those that only have the same hash are among them.
std::vector<CacheCore::Entries::const_pointer> CacheCore::indexedLocked(
    const std::string& index, const std::string& key) const {
  std::vector<Entries::const_pointer> out;
  const auto [from, to] = index_.at(index).equal_range(std::hash<std::string>{}(key));
  for (auto it = from; it != to; ++it) out.push_back(it->second);
  std::sort(out.begin(), out.end(), [](auto* a, auto* b) { return a->first < b->first; });
  return out;
}

std::vector<CacheCore::Key> CacheCore::keysByIndex(const std::string& index,
                                                   const std::string& key) const {
  std::lock_guard lock(mutex_);
  std::vector<Key> out;
  for (const auto* one : indexedLocked(index, key)) out.push_back(one->first);
  return out;
}

std::vector<CacheCore::Item> CacheCore::byIndex(const std::string& index,
                                                const std::string& key) const {
  std::vector<Held> found;
  {
    std::lock_guard lock(mutex_);
    for (const auto* one : indexedLocked(index, key)) found.push_back(one->second.held);
  }
  const auto& values = indexes_.at(index);
  std::vector<Item> out;
  for (const Held& held : found) {
    Item item = store_.look(held);
    const auto all = values(item.get());
    if (std::find(all.begin(), all.end(), key) != all.end()) out.push_back(std::move(item));
  }
  return out;
}

std::string CacheCore::resourceVersion(std::string_view ns, std::string_view name) const {
  std::lock_guard lock(mutex_);
  const auto found = entries_.find(Key(ns, name));
  return found == entries_.end() ? std::string() : found->second.resourceVersion;
}

void CacheCore::noteWritten(std::string_view ns, std::string_view name,
                            std::string_view resourceVersion) {
  std::lock_guard lock(mutex_);
  const Key key(ns, name);
  if (seenLocked(key, resourceVersion)) {
    written_.erase(key);
    return;
  }
  written_[key] = {std::string(resourceVersion), stats_.relists, clock_->steady()};
}

bool CacheCore::caughtUpLocked(const Key& key) const {
  const auto found = written_.find(key);
  if (found == written_.end()) return true;
  if (clock_->steady() - found->second.at < writeLimit_) return false;
  spdlog::warn("{} {}: the cache has not seen our write of version {} in {}", name_, show(key),
               found->second.resourceVersion, formatDuration(writeLimit_));
  written_.erase(found);
  return true;
}

bool CacheCore::caughtUp(std::string_view ns, std::string_view name) const {
  std::lock_guard lock(mutex_);
  return caughtUpLocked(Key(ns, name));
}

bool CacheCore::waitCaughtUp(std::string_view ns, std::string_view name,
                             std::stop_token stop) const {
  std::unique_lock lock(mutex_);
  const Key key(ns, name);
  while (!caughtUpLocked(key)) {
    if (stop.stop_requested()) return false;
    // In slices, for the limit is on a clock that may not be the one of this wait.
    moved_.wait_for(lock, stop, Milliseconds{50}, [&] { return !written_.contains(key); });
  }
  return true;
}

CacheStats CacheCore::stats() const {
  std::lock_guard lock(mutex_);
  CacheStats out = stats_;
  out.objects = entries_.size();
  return out;
}

void CacheCore::undecodable(const Key& key, const Error& error) {
  ++stats_.undecodable;
  spdlog::error("{} {} cannot be read and keeps its last good state: {}", name_, show(key),
                error.message);
}

void CacheCore::saw(const Key& key, const std::string& resourceVersion) {
  remember(key, resourceVersion);
  const auto written = written_.find(key);
  if (written != written_.end() && written->second.resourceVersion == resourceVersion)
    written_.erase(written);
}

void CacheCore::remember(const Key& key, const std::string& resourceVersion) {
  const SteadyTime now = clock_->steady();
  while (!seenAt_.empty() && now - seenAt_.front().first > kSeenFor) {
    seen_.erase(seenAt_.front().second);
    seenAt_.pop_front();
  }
  const std::size_t hash = hashOf(key, resourceVersion);
  if (seen_.insert(hash).second) seenAt_.emplace_back(now, hash);
}

bool CacheCore::seenLocked(const Key& key, std::string_view resourceVersion) const {
  if (seen_.contains(hashOf(key, resourceVersion))) return true;
  const auto found = entries_.find(key);
  return found != entries_.end() && found->second.resourceVersion == resourceVersion;
}

CacheCore::Places CacheCore::placesOf(const void* item) {
  Places out;
  for (const auto& [index, values] : indexes_) {
    for (const auto& value : values(item))
      out.emplace_back(&index_.at(index), std::hash<std::string>{}(value));
  }
  return out;
}

void CacheCore::removeFromIndexes(Entries::const_reference entry) {
  if (indexes_.empty()) return;
  for (const auto& [indexed, hash] : placesOf(store_.look(entry.second.held).get())) {
    const auto [from, to] = indexed->equal_range(hash);
    const auto found =
        std::find_if(from, to, [&](const auto& one) { return one.second == &entry; });
    if (found != to) indexed->erase(found);
  }
}

void CacheCore::put(const Key& key, Fresh fresh, std::vector<Told>& changes) {
  Entry& entry = fresh.entry;
  auto& slot = *entries_.try_emplace(key).first;
  Entry& old = slot.second;
  const bool same = old.held && old.resourceVersion == entry.resourceVersion;
  if (same && old.held == entry.held) return;
  if (!same) changes.push_back({key, old.held, entry.held, !synced_});
  if (old.held) {
    removeFromIndexes(slot);
    if (!same) remember(key, old.resourceVersion);
  }
  old = std::move(entry);
  for (const auto& [indexed, hash] : fresh.places) indexed->emplace(hash, &slot);
}

void CacheCore::erase(const Key& key, std::vector<Told>& changes) {
  const auto found = entries_.find(key);
  if (found == entries_.end()) return;
  removeFromIndexes(*found);
  remember(key, found->second.resourceVersion);
  changes.push_back({key, found->second.held, {}, false});
  entries_.erase(found);
}

// How the same version of it is kept by now: of a relist most objects are as they were.
CacheCore::Held CacheCore::lastOf(const Key& key, const std::string& resourceVersion) const {
  std::lock_guard lock(mutex_);
  const auto found = entries_.find(key);
  const bool same = found != entries_.end() && found->second.resourceVersion == resourceVersion;
  return same ? found->second.held : Held();
}

Expected<CacheCore::Fresh> CacheCore::freshOf(const JsonView& object, const Key& key,
                                              const std::string& resourceVersion) {
  auto item = decode_(object);
  if (!item) return tl::unexpected(item.error());
  const Held held = store_.hold(*item, lastOf(key, resourceVersion));
  Fresh out{{held, resourceVersion}, placesOf(item->get())};
  store_.warm(held, std::move(*item));
  return out;
}

void CacheCore::begin() {
  std::lock_guard lock(mutex_);
  ++stats_.relists;
  pending_.clear();
  listing_ = true;
}

void CacheCore::apply(JsonView object) {
  const JsonView meta = object.at("metadata");
  const Key key(meta.text("namespace"), meta.text("name"));
  const std::string version = meta.text("resourceVersion");
  std::vector<Told> changes;
  auto fresh = freshOf(object, key, version);
  {
    std::lock_guard lock(mutex_);
    if (!fresh) undecodable(key, fresh.error());
    if (listing_) {
      if (fresh) {
        pending_[key] = std::move(*fresh);
      } else if (const auto last = entries_.find(key); last != entries_.end()) {
        pending_[key] = {last->second, {}};  // it exists: it must not look deleted
      }
      return;
    }
    ++stats_.events;
    saw(key, version);
    if (fresh) put(key, std::move(*fresh), changes);
  }
  moved_.notify_all();
  tell(changes);
}

void CacheCore::remove(JsonView object) {
  const JsonView meta = object.at("metadata");
  const Key key(meta.text("namespace"), meta.text("name"));
  std::vector<Told> changes;
  {
    std::lock_guard lock(mutex_);
    if (listing_) {
      pending_.erase(key);
      return;
    }
    ++stats_.events;
    // Its version is the one of the deletion, or of the write that took it out of our selector. A
    // write of ours that is not this one came later: it made the object anew, and is still to be
    // seen.
    saw(key, meta.text("resourceVersion"));
    erase(key, changes);
  }
  moved_.notify_all();
  tell(changes);
}

void CacheCore::end() {
  std::vector<Told> changes;
  {
    std::lock_guard lock(mutex_);
    std::vector<Key> gone;
    for (const auto& [key, entry] : entries_) {
      if (!pending_.contains(key)) gone.push_back(key);
    }
    for (const Key& key : gone) erase(key, changes);
    while (!pending_.empty()) {  // one by one: not all of it twice in memory
      auto node = pending_.extract(pending_.begin());
      const auto written = written_.find(node.key());
      if (written != written_.end() &&
          written->second.resourceVersion == node.mapped().entry.resourceVersion)
        written_.erase(written);
      put(node.key(), std::move(node.mapped()), changes);
    }
    listing_ = false;
    synced_ = true;
    ++stats_.relistsDone;
    // A picture begun after a write has that write in it, or what came after.
    std::erase_if(written_, [&](const auto& one) { return one.second.relists < stats_.relists; });
  }
  moved_.notify_all();
  tell(changes);
}

void CacheCore::failed(const Error& error) {
  std::lock_guard lock(mutex_);
  ++stats_.restarts;
  stats_.lastError = error.message;
}

void CacheCore::connected() {
  std::lock_guard lock(mutex_);
  stats_.lastError.clear();
}

void CacheCore::tell(const std::vector<Told>& changes) {
  if (handlers_.empty()) return;
  for (const Told& one : changes) {
    const Change change{one.key.first, one.key.second, store_.look(one.old), store_.look(one.now),
                        one.initial};
    for (const Handler& handler : handlers_) handler(change);
  }
}

}  // namespace reprise::kube
