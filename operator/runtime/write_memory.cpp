#include "runtime/write_memory.h"

#include <algorithm>

#include "runtime/json_view.h"

namespace reprise::runtime {

std::string WriteMemory::idOf(const kube::Resource& resource, const Key& key) {
  return resource.group + "/" + resource.plural + "/" + key.text();
}

WriteMemory::Entry& WriteMemory::entryLocked(const Subject& subject) {
  Entry& entry = entries_[idOf(subject.resource, subject.key())];
  if (entry.uid != subject.uid) {  // deleted and made again under the same name
    entry.uid = subject.uid;
    entry.wantedStatus = entry.storedStatus = nullptr;
    entry.contents.clear();
  }
  return entry;
}

const WriteMemory::Entry* WriteMemory::findLocked(const Subject& subject) const {
  const auto found = entries_.find(idOf(subject.resource, subject.key()));
  return found == entries_.end() || found->second.uid != subject.uid ? nullptr : &found->second;
}

void WriteMemory::wrote(const Subject& subject, const kube::Resource& resource,
                        const nlohmann::json& object) {
  const std::string name = metaString(object, "name"),
                    version = metaString(object, "resourceVersion");
  const std::string ns = metaString(object, "namespace");
  if (name.empty() || version.empty()) return;
  seen_.noteWritten(resource, ns, name, version);
  const std::lock_guard lock(mutex_);
  auto& outstanding = entryLocked(subject).outstanding;
  const bool known = std::any_of(outstanding.begin(), outstanding.end(), [&](const Written& w) {
    return w.resource == resource && w.ns == ns && w.name == name;
  });
  if (!known) outstanding.push_back({resource, ns, name});
}

bool WriteMemory::caughtUp(const kube::Resource& resource, const Key& key) {
  const std::lock_guard lock(mutex_);
  const auto found = entries_.find(idOf(resource, key));
  if (found == entries_.end()) return true;
  std::erase_if(found->second.outstanding,
                [&](const Written& w) { return seen_.caughtUp(w.resource, w.ns, w.name); });
  return found->second.outstanding.empty();
}

void WriteMemory::rememberStatus(const Subject& subject, const nlohmann::json& wanted,
                                 const nlohmann::json& stored) {
  const std::lock_guard lock(mutex_);
  Entry& entry = entryLocked(subject);
  entry.wantedStatus = wanted;
  entry.storedStatus = stored;
}

bool WriteMemory::statusAsRemembered(const Subject& subject, const nlohmann::json& wanted) const {
  const std::lock_guard lock(mutex_);
  const Entry* entry = findLocked(subject);
  return entry && !entry->wantedStatus.is_null() && entry->wantedStatus == wanted &&
         entry->storedStatus == subject.status;
}

void WriteMemory::rememberContent(const Subject& subject, const std::string& childUid,
                                  std::uint64_t hash) {
  const std::lock_guard lock(mutex_);
  entryLocked(subject).contents[childUid] = hash;
}

std::optional<std::uint64_t> WriteMemory::content(const Subject& subject,
                                                  const std::string& childUid) const {
  const std::lock_guard lock(mutex_);
  const Entry* entry = findLocked(subject);
  if (!entry) return std::nullopt;
  const auto found = entry->contents.find(childUid);
  return found == entry->contents.end() ? std::nullopt : std::optional(found->second);
}

void WriteMemory::forget(const kube::Resource& resource, const Key& key) {
  const std::lock_guard lock(mutex_);
  entries_.erase(idOf(resource, key));
}

std::size_t WriteMemory::size() const {
  const std::lock_guard lock(mutex_);
  return entries_.size();
}

}  // namespace reprise::runtime
