// What this process has written for each object it reconciles. Lost with the process, and nothing
// depends on it but the number of writes: without it the annotation on each child and a semantic
// compare decide. There is an entry for each object for as long as it exists, so it is small: of
// what was written, and of names and uids, only hashes are kept. Thread-safe.
#pragma once

#include <cstdint>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

#include "runtime/seen_writes.h"
#include "runtime/subject.h"

namespace reprise::runtime {

class WriteMemory {
 public:
  explicit WriteMemory(SeenWrites& seen) : seen_(seen) {}

  // The server answered a write with `object`: it is outstanding until a cache has seen it.
  void wrote(const Subject& subject, const kube::Resource& resource, const nlohmann::json& object);
  // Whether the caches have seen all that was written for this object.
  bool caughtUp(const kube::Resource& resource, const Key& key);

  // The server keeps a status other than what was sent where somebody else writes fields of it, or
  // the CRD defaults some: then it is unequal for ever, and this is how we know that sending it
  // again changes nothing.
  void rememberStatus(const Subject& subject, const nlohmann::json& wanted,
                      const nlohmann::json& stored);
  bool statusAsRemembered(const Subject& subject, const nlohmann::json& wanted) const;

  // The content of a child after our own write.
  void rememberContent(const Subject& subject, const std::string& childUid, std::uint64_t hash);
  std::optional<std::uint64_t> content(const Subject& subject, const std::string& childUid) const;

  // The object is gone.
  void forget(const kube::Resource& resource, const Key& key);
  std::size_t size() const;

 private:
  struct Written {
    kube::Resource resource;
    std::string ns, name;
  };
  struct Status {
    std::uint64_t wanted, stored;  // hashes
  };
  struct Entry {
    std::uint64_t uid = 0;  // hash
    std::optional<Status> status;
    std::vector<std::pair<std::uint64_t, std::uint64_t>> contents;  // hash of the child's uid first
    std::vector<Written> outstanding;
  };

  static std::uint64_t idOf(const kube::Resource& resource, const Key& key);
  Entry& entryLocked(const Subject& subject);
  const Entry* findLocked(const Subject& subject) const;

  SeenWrites& seen_;
  mutable std::mutex mutex_;
  std::unordered_map<std::uint64_t, Entry> entries_;  // by idOf()
};

}  // namespace reprise::runtime
