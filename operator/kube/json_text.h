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

// What an API server sent, without any managedFields: nobody here looks at them, and they are up to
// half of an object. Discarded where it is no JSON.
inline nlohmann::json parseSent(const std::string& body) {
  using Event = nlohmann::json::parse_event_t;
  const auto keep = [](int, Event event, const nlohmann::json& value) {
    return event != Event::key || value.get_ref<const std::string&>() != "managedFields";
  };
  return nlohmann::json::parse(body, keep, false);
}

inline std::int64_t integer(const nlohmann::json& object, const char* name) {
  const auto& value = at(object, name);
  return value.is_number_integer() ? value.get<std::int64_t>() : 0;
}

}  // namespace reprise::kube
