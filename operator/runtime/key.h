// The name of an object in a work queue. Only the name: a worker reads the newest state itself.
#pragma once

#include <compare>
#include <cstddef>
#include <functional>
#include <string>

namespace reprise::runtime {

struct Key {
  std::string ns, name;

  std::string text() const { return ns + "/" + name; }
  auto operator<=>(const Key&) const = default;
};

struct KeyHash {
  std::size_t operator()(const Key& key) const {
    const std::size_t h = std::hash<std::string>{}(key.ns);
    return h ^ (std::hash<std::string>{}(key.name) + 0x9e3779b97f4a7c15ULL + (h << 6) + (h >> 2));
  }
};

}  // namespace reprise::runtime
