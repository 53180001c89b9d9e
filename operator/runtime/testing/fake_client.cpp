#include "runtime/testing/fake_client.h"

#include <algorithm>

namespace reprise::runtime::testing {
namespace {

bool hasStatus(const kube::Resource& resource) {
  static const std::set<std::string> kinds = {
      "Job", "Deployment", "Pod", "Service", "TrainingPipeline", "ModelVersion", "ModelDeployment"};
  return kinds.contains(resource.kind);
}

std::string metaOf(const Json& object, const char* field) {
  if (!object.contains("metadata")) return {};
  return object["metadata"].value(field, std::string());
}

// Merges objects deeply; anything else, lists too, is replaced.
void mergeInto(Json& target, const Json& from) {
  for (const auto& [key, value] : from.items()) {
    if (value.is_object() && target.contains(key) && target[key].is_object()) {
      mergeInto(target[key], value);
    } else {
      target[key] = value;
    }
  }
}

// Takes out of `target` what `before` had and `now` has not, unless `others` have it.
void removeDropped(Json& target, const Json& before, const Json& now,
                   const std::vector<Json>& others) {
  for (const auto& [key, value] : before.items()) {
    if (!target.contains(key)) continue;
    std::vector<Json> deeper;
    for (const Json& other : others) {
      if (other.is_object() && other.contains(key)) deeper.push_back(other[key]);
    }
    const bool kept = now.is_object() && now.contains(key);
    if (value.is_object() && target[key].is_object()) {
      removeDropped(target[key], value, kept ? now[key] : Json::object(), deeper);
      if (!kept && deeper.empty() && target[key].empty()) target.erase(key);
    } else if (!kept && deeper.empty()) {
      target.erase(key);
    }
  }
}

// A field of `config` that somebody else set to another value: the first that is found, by its
// path.
std::optional<std::string> conflictOf(const Json& stored, const Json& config, const Json& ours,
                                      const std::string& path) {
  for (const auto& [key, value] : config.items()) {
    if (!stored.contains(key)) continue;
    const Json mine = ours.is_object() && ours.contains(key) ? ours[key] : Json();
    if (value.is_object() && stored[key].is_object()) {
      if (auto found = conflictOf(stored[key], value, mine, path + "." + key)) return found;
    } else if (stored[key] != value && mine.is_null()) {
      return path + "." + key;
    }
  }
  return std::nullopt;
}

Json withoutServerFields(Json object) {
  for (const char* field :
       {"uid", "resourceVersion", "generation", "creationTimestamp", "managedFields"}) {
    object["metadata"].erase(field);
  }
  return object;
}

}  // namespace

FakeClient::Id FakeClient::idOf(const kube::Resource& resource, std::string_view ns,
                                std::string_view name) {
  return {resource.plural + "." + resource.group, std::string(ns), std::string(name)};
}

Error FakeClient::notFound(const Id& id) const {
  return Error{ErrorCode::NotFound,
               std::get<0>(id) + " \"" + std::get<2>(id) + "\" not found",
               Sent::Yes,
               {}};
}

Json FakeClient::store(const Id& id, const kube::Resource& resource, Json object) {
  Json& meta = object["metadata"];
  const auto before = objects_.find(id);
  meta["namespace"] = std::get<1>(id);
  if (before == objects_.end()) {
    if (!meta.contains("uid")) meta["uid"] = "uid-" + std::to_string(++uids_);
    meta["generation"] = 1;
    if (defaults) defaults(resource, object);
  } else {
    const Json& old = *before->second.object;
    meta["uid"] = old["metadata"]["uid"];
    meta["resourceVersion"] = old["metadata"]["resourceVersion"];
    meta["generation"] = old["metadata"]["generation"];
    if (old["metadata"].contains("creationTimestamp"))
      meta["creationTimestamp"] = old["metadata"]["creationTimestamp"];
    if (defaults) defaults(resource, object);
    if (object == old) return old;
    if (object.value("spec", Json()) != old.value("spec", Json())) {
      meta["generation"] = old["metadata"]["generation"].get<int>() + 1;
    }
  }
  meta["resourceVersion"] = std::to_string(++version_);
  history_[std::get<0>(id)].push_back(
      {before == objects_.end() ? WatchEvent::Type::Added : WatchEvent::Type::Modified, version_,
       std::make_shared<const Json>(object)});
  objects_[id].object = history_[std::get<0>(id)].back().object;
  return object;
}

void FakeClient::drop(std::map<Id, Stored>::iterator it) {
  Json last = *it->second.object;
  last["metadata"]["resourceVersion"] = std::to_string(++version_);
  history_[std::get<0>(it->first)].push_back(
      {WatchEvent::Type::Deleted, version_, std::make_shared<const Json>(std::move(last))});
  objects_.erase(it);
}

std::uint64_t FakeClient::version() const {
  const std::lock_guard lock(mutex_);
  return version_;
}

Expected<std::vector<WatchEvent>> FakeClient::eventsSince(const kube::Resource& resource,
                                                          std::uint64_t version,
                                                          std::size_t limit) const {
  const std::lock_guard lock(mutex_);
  if (version < compacted_) return fail(ErrorCode::Gone, "too old resource version");
  std::vector<WatchEvent> out;
  const auto found = history_.find(resource.plural + "." + resource.group);
  if (found == history_.end()) return out;
  const auto& all = found->second;
  auto it =
      std::upper_bound(all.begin(), all.end(), version,
                       [](std::uint64_t v, const WatchEvent& event) { return v < event.version; });
  for (; it != all.end() && out.size() < limit; ++it) out.push_back(*it);
  return out;
}

Listing FakeClient::listAt(const kube::Resource& resource, std::uint64_t version) const {
  const std::lock_guard lock(mutex_);
  std::map<std::pair<std::string, std::string>, std::shared_ptr<const Json>> objects;
  if (const auto found = history_.find(resource.plural + "." + resource.group);
      found != history_.end()) {
    for (const WatchEvent& event : found->second) {
      if (event.version > version) break;
      const std::pair key{metaOf(*event.object, "namespace"), metaOf(*event.object, "name")};
      if (event.type == WatchEvent::Type::Deleted)
        objects.erase(key);
      else
        objects[key] = event.object;
    }
  }
  Listing out{std::min(version, version_), {}};
  for (const auto& [key, object] : objects) out.objects.push_back(object);
  return out;
}

void FakeClient::compact(std::uint64_t version) {
  const std::lock_guard lock(mutex_);
  compacted_ = std::max(compacted_, version);
}

Expected<Json> FakeClient::write(const std::string& verb, const kube::Resource& resource,
                                 std::string_view ns, std::string_view name,
                                 const std::function<Expected<Json>(const Id&)>& effect) {
  if (onCall) onCall(verb, resource.plural, std::string(name));
  Write record{verb, resource.plural, std::string(ns), std::string(name)};
  const Fault fault = onWrite ? onWrite(record) : Fault::None;
  if (fault == Fault::CrashBefore) throw Crash{};
  if (fault == Fault::Fail)
    return tl::unexpected(Error{ErrorCode::Unavailable, "the server is down", Sent::No, {}});
  std::unique_lock lock(mutex_);
  bool crash = fault == Fault::CrashAfter;
  if (crash_ && --crash_->first == 0) {
    crash = true;
    const When when = crash_->second;
    crash_.reset();
    if (when == When::Before) throw Crash{};
  }
  const std::optional<Failure> failure = std::exchange(failure_, std::nullopt);
  if (failure && failure->when == When::Before) return tl::unexpected(failure->error);
  const Id id = idOf(resource, ns, name);
  const auto now = [&] {
    const auto found = objects_.find(id);
    return found == objects_.end() ? nullptr : found->second.object;
  };
  const std::shared_ptr<const Json> was = now();
  const std::uint64_t before = version_;
  const Expected<Json> result = effect(id);
  record.changed = version_ != before;
  record.refused = !result;
  writes_.push_back(record);
  const std::shared_ptr<const Json> is = now();
  lock.unlock();
  if (onChanged && record.changed) onChanged(record, was.get(), is.get());
  if (crash) throw Crash{};
  if (fault == Fault::LoseAnswer) {
    return tl::unexpected(Error{ErrorCode::Timeout, "the answer was lost", Sent::Maybe, {}});
  }
  if (failure) return tl::unexpected(failure->error);
  return result;
}

Expected<Json> FakeClient::get(const kube::Resource& resource, std::string_view ns,
                               std::string_view name) {
  if (onCall) onCall("get", resource.plural, std::string(name));
  const std::lock_guard lock(mutex_);
  if (failure_) return tl::unexpected(std::exchange(failure_, std::nullopt)->error);
  const auto found = objects_.find(idOf(resource, ns, name));
  if (found == objects_.end()) return tl::unexpected(notFound(idOf(resource, ns, name)));
  return *found->second.object;
}

Expected<Json> FakeClient::create(const kube::Resource& resource, std::string_view ns,
                                  const Json& object) {
  const std::string name = metaOf(object, "name");
  return write("create", resource, ns, name, [&](const Id& id) -> Expected<Json> {
    if (objects_.contains(id)) {
      return fail(ErrorCode::AlreadyExists, resource.plural + " \"" + name + "\" already exists");
    }
    Json made = object;
    if (hasStatus(resource)) made.erase("status");
    return store(id, resource, std::move(made));
  });
}

Expected<Json> FakeClient::apply(const kube::Resource& resource, std::string_view ns,
                                 const Json& object, const kube::ApplyOptions& options) {
  const std::string verb = options.subresource.empty() ? "apply" : "apply/" + options.subresource;
  return write(verb, resource, ns, metaOf(object, "name"),
               [&](const Id& id) { return applyTo(id, resource, object, options); });
}

Expected<Json> FakeClient::applyTo(const Id& id, const kube::Resource& resource, const Json& object,
                                   const kube::ApplyOptions& options) {
  const auto found = objects_.find(id);
  const std::string uid = metaOf(object, "uid"), version = metaOf(object, "resourceVersion");
  if (found == objects_.end()) {
    if (!uid.empty() || !version.empty())
      return fail(ErrorCode::Conflict, "no such object exists any more");
    if (!options.subresource.empty()) return tl::unexpected(notFound(id));
  } else {
    const Json& old = *found->second.object;
    if (!version.empty() && version != metaOf(old, "resourceVersion")) {
      return fail(ErrorCode::Conflict, "the object has been modified");
    }
    if (!uid.empty() && uid != metaOf(old, "uid"))
      return fail(ErrorCode::Invalid, "metadata.uid: field is immutable");
  }
  Json config = withoutServerFields(object);
  if (options.subresource == "status") {
    config = Json{{"status", object.value("status", Json::object())}};
  } else if (hasStatus(resource)) {
    config.erase("status");
  }
  Json next = found == objects_.end() ? Json::object() : *found->second.object;
  const std::string manager = options.fieldManager + "/" + options.subresource;
  if (found != objects_.end() && !options.force) {
    if (const auto path = conflictOf(next, config, found->second.applied[manager], "")) {
      return fail(ErrorCode::Conflict, "conflict with another manager: " + *path);
    }
  }
  if (found != objects_.end() && found->second.applied.contains(manager)) {
    std::vector<Json> others;
    for (const auto& [name, other] : found->second.applied) {
      if (name != manager) others.push_back(other);
    }
    removeDropped(next, found->second.applied[manager], config, others);
  }
  mergeInto(next, config);
  Json result = store(id, resource, std::move(next));
  objects_[id].applied[manager] = std::move(config);
  return result;
}

Expected<Json> FakeClient::replace(const kube::Resource& resource, std::string_view ns,
                                   const Json& object) {
  return write(
      "replace", resource, ns, metaOf(object, "name"), [&](const Id& id) -> Expected<Json> {
        const auto found = objects_.find(id);
        if (found == objects_.end()) return tl::unexpected(notFound(id));
        const std::string version = metaOf(object, "resourceVersion");
        if (!version.empty() && version != metaOf(*found->second.object, "resourceVersion")) {
          return fail(ErrorCode::Conflict, "the object has been modified");
        }
        return store(id, resource, object);
      });
}

Expected<Json> FakeClient::mergePatch(const kube::Resource& resource, std::string_view ns,
                                      std::string_view name, const Json& patch,
                                      std::string_view subresource) {
  const std::string verb = subresource.empty() ? "patch" : "patch/" + std::string(subresource);
  return write(verb, resource, ns, name, [&](const Id& id) -> Expected<Json> {
    const auto found = objects_.find(id);
    if (found == objects_.end()) return tl::unexpected(notFound(id));
    const std::string version = metaOf(patch, "resourceVersion");
    if (!version.empty() && version != metaOf(*found->second.object, "resourceVersion")) {
      return fail(ErrorCode::Conflict, "the object has been modified");
    }
    Json next = *found->second.object;
    Json change = patch;
    if (subresource == "status") {
      change = Json{{"status", patch.value("status", Json::object())}};
    } else if (hasStatus(resource)) {
      change.erase("status");
    }
    next.merge_patch(change);
    return store(id, resource, std::move(next));
  });
}

Expected<void> FakeClient::remove(const kube::Resource& resource, std::string_view ns,
                                  std::string_view name, const kube::DeleteOptions& options) {
  const auto result = write("remove", resource, ns, name, [&](const Id& id) -> Expected<Json> {
    const auto found = objects_.find(id);
    if (found == objects_.end()) return Json();
    const Json& old = *found->second.object;
    if ((!options.uid.empty() && options.uid != metaOf(old, "uid")) ||
        (!options.resourceVersion.empty() &&
         options.resourceVersion != metaOf(old, "resourceVersion"))) {
      return fail(ErrorCode::Conflict, "Precondition failed");
    }
    drop(found);
    return Json();
  });
  if (!result) return tl::unexpected(result.error());
  return {};
}

void FakeClient::failNext(Error error, When when) {
  const std::lock_guard lock(mutex_);
  failure_ = Failure{std::move(error), when};
}

void FakeClient::crashAt(std::size_t nth, When when) {
  const std::lock_guard lock(mutex_);
  crash_ = {nth, when};
}

Json FakeClient::put(const kube::Resource& resource, const Json& object) {
  const std::lock_guard lock(mutex_);
  return store(idOf(resource, metaOf(object, "namespace"), metaOf(object, "name")), resource,
               object);
}

void FakeClient::erase(const kube::Resource& resource, const std::string& ns,
                       const std::string& name) {
  const std::lock_guard lock(mutex_);
  if (const auto found = objects_.find(idOf(resource, ns, name)); found != objects_.end())
    drop(found);
}

void FakeClient::collectGarbage() {
  const std::lock_guard lock(mutex_);
  for (bool again = true; again;) {
    again = false;
    std::set<std::string> alive;
    for (const auto& [id, stored] : objects_) alive.insert(metaOf(*stored.object, "uid"));
    for (auto it = objects_.begin(); it != objects_.end();) {
      const Json owners = (*it->second.object)["metadata"].value("ownerReferences", Json::array());
      const bool orphan = std::any_of(owners.begin(), owners.end(), [&](const Json& owner) {
        return owner.value("controller", false) &&
               !alive.contains(owner.value("uid", std::string()));
      });
      again |= orphan;
      const auto next = std::next(it);
      if (orphan) drop(it);
      it = next;
    }
  }
}

std::optional<Json> FakeClient::find(const kube::Resource& resource, const std::string& ns,
                                     const std::string& name) const {
  const std::lock_guard lock(mutex_);
  const auto found = objects_.find(idOf(resource, ns, name));
  return found == objects_.end() ? std::nullopt : std::optional<Json>(*found->second.object);
}

std::vector<Json> FakeClient::list(const kube::Resource& resource) const {
  const std::lock_guard lock(mutex_);
  std::vector<Json> out;
  for (const auto& [id, stored] : objects_) {
    if (std::get<0>(id) == resource.plural + "." + resource.group) out.push_back(*stored.object);
  }
  return out;
}

std::shared_ptr<const Json> FakeClient::peek(const kube::Resource& resource, const std::string& ns,
                                             const std::string& name) const {
  const std::lock_guard lock(mutex_);
  const auto found = objects_.find(idOf(resource, ns, name));
  return found == objects_.end() ? nullptr : found->second.object;
}

std::vector<std::shared_ptr<const Json>> FakeClient::peekAll(const kube::Resource& resource) const {
  const std::lock_guard lock(mutex_);
  std::vector<std::shared_ptr<const Json>> out;
  const std::string kind = resource.plural + "." + resource.group;
  for (auto it = objects_.lower_bound({kind, "", ""});
       it != objects_.end() && std::get<0>(it->first) == kind; ++it) {
    out.push_back(it->second.object);
  }
  return out;
}

Json FakeClient::state() const {
  const std::lock_guard lock(mutex_);
  Json out = Json::object();
  for (const auto& [id, stored] : objects_) {
    Json object = withoutServerFields(*stored.object);
    for (Json& owner : object["metadata"]["ownerReferences"]) owner.erase("uid");
    out[std::get<0>(id) + "/" + std::get<1>(id) + "/" + std::get<2>(id)] = std::move(object);
  }
  return out;
}

std::vector<Write> FakeClient::writes() const {
  const std::lock_guard lock(mutex_);
  return writes_;
}

std::size_t FakeClient::writeCount() const { return writes().size(); }

std::size_t FakeClient::changeCount() const {
  const auto all = writes();
  return std::count_if(all.begin(), all.end(), [](const Write& write) { return write.changed; });
}

void FakeClient::clearWrites() {
  const std::lock_guard lock(mutex_);
  writes_.clear();
}

}  // namespace reprise::runtime::testing
