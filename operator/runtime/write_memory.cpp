#include "runtime/write_memory.h"

#include <algorithm>

#include "runtime/json_view.h"

namespace reprise::runtime {
namespace {

// Equal numbers are equal here though one is signed and the other is not: as text they are alike.
std::uint64_t hashOf(const nlohmann::json& object) {
  using Json = nlohmann::json;
  return std::hash<std::string>{}(object.dump(-1, ' ', false, Json::error_handler_t::replace));
}

std::uint64_t hashOf(const std::string& text) { return std::hash<std::string>{}(text); }

}  // namespace

std::uint64_t WriteMemory::idOf(const kube::Resource& resource, const Key& key) {
  return hashOf(resource.group + "/" + resource.plural + "/" + key.text());
}

WriteMemory::Entry& WriteMemory::entryLocked(const Subject& subject) {
  Entry& entry = entries_[idOf(subject.resource, subject.key())];
  const std::uint64_t uid = hashOf(subject.uid);
  if (entry.uid != uid) {  // deleted and made again under the same name
    entry.uid = uid;
    entry.status.reset();
    entry.contents.clear();
  }
  return entry;
}

const WriteMemory::Entry* WriteMemory::findLocked(const Subject& subject) const {
  const auto found = entries_.find(idOf(subject.resource, subject.key()));
  return found == entries_.end() || found->second.uid != hashOf(subject.uid) ? nullptr
                                                                             : &found->second;
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
  auto& outstanding = found->second.outstanding;
  std::erase_if(outstanding,
                [&](const Written& w) { return seen_.caughtUp(w.resource, w.ns, w.name); });
  if (!outstanding.empty()) return false;
  std::vector<Written>().swap(outstanding);  // its memory too
  return true;
}

void WriteMemory::rememberStatus(const Subject& subject, const nlohmann::json& wanted,
                                 const nlohmann::json& stored) {
  const std::lock_guard lock(mutex_);
  entryLocked(subject).status = {hashOf(wanted), hashOf(stored)};
}

bool WriteMemory::statusAsRemembered(const Subject& subject, const nlohmann::json& wanted) const {
  const std::lock_guard lock(mutex_);
  const Entry* entry = findLocked(subject);
  return entry && entry->status && entry->status->wanted == hashOf(wanted) &&
         entry->status->stored == hashOf(subject.status);
}

void WriteMemory::rememberContent(const Subject& subject, const std::string& childUid,
                                  std::uint64_t hash) {
  const std::lock_guard lock(mutex_);
  auto& contents = entryLocked(subject).contents;
  const std::uint64_t child = hashOf(childUid);
  for (auto& [known, content] : contents) {
    if (known != child) continue;
    content = hash;
    return;
  }
  contents.reserve(contents.size() + 1);  // few, and thousands of these lists
  contents.emplace_back(child, hash);
}

std::optional<std::uint64_t> WriteMemory::content(const Subject& subject,
                                                  const std::string& childUid) const {
  const std::lock_guard lock(mutex_);
  const Entry* entry = findLocked(subject);
  if (!entry) return std::nullopt;
  for (const auto& [known, content] : entry->contents) {
    if (known == hashOf(childUid)) return content;
  }
  return std::nullopt;
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
