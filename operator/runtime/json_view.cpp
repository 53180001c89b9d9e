#include "runtime/json_view.h"

namespace reprise::runtime {

const nlohmann::json& member(const nlohmann::json& object, const std::string& name) {
  static const nlohmann::json null;
  if (!object.is_object()) return null;
  const auto found = object.find(name);
  return found == object.end() ? null : *found;
}

namespace {
std::string text(const nlohmann::json& value) {
  return value.is_string() ? value.get<std::string>() : std::string();
}
}  // namespace

std::string metaString(const nlohmann::json& object, const std::string& field) {
  return text(member(member(object, "metadata"), field));
}

std::string annotation(const nlohmann::json& object, const std::string& name) {
  return text(member(member(member(object, "metadata"), "annotations"), name));
}

std::string controllerUid(const nlohmann::json& object) {
  const nlohmann::json& owners = member(member(object, "metadata"), "ownerReferences");
  if (!owners.is_array()) return {};
  for (const nlohmann::json& owner : owners) {
    if (member(owner, "controller") == true) return text(member(owner, "uid"));
  }
  return {};
}

nlohmann::json withoutNulls(const nlohmann::json& value) {
  if (value.is_array()) {
    nlohmann::json out = nlohmann::json::array();
    for (const auto& item : value) out.push_back(withoutNulls(item));
    return out;
  }
  if (!value.is_object()) return value;
  nlohmann::json out = nlohmann::json::object();
  for (const auto& [key, item] : value.items()) {
    if (!item.is_null()) out[key] = withoutNulls(item);
  }
  return out;
}

}  // namespace reprise::runtime
