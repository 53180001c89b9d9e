// Members of JSON that somebody else wrote: what is missing or of another type is empty.
#pragma once

#include <cstdint>
#include <string>

#include <nlohmann/json.hpp>

namespace reprise::kube {

inline const nlohmann::json& at(const nlohmann::json& object, const char* name) {
  static const nlohmann::json none;
  if (!object.is_object()) return none;
  const auto found = object.find(name);
  return found == object.end() ? none : *found;
}

inline std::string text(const nlohmann::json& object, const char* name) {
  const auto& value = at(object, name);
  return value.is_string() ? value.get<std::string>() : std::string();
}

inline std::int64_t integer(const nlohmann::json& object, const char* name) {
  const auto& value = at(object, name);
  return value.is_number_integer() ? value.get<std::int64_t>() : 0;
}

}  // namespace reprise::kube
