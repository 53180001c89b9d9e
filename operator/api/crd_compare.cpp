#include "api/crd_compare.h"

#include <algorithm>

namespace reprise::api {
namespace {

using nlohmann::json;

// Null where it is not there, so that what an API server answers is read without trust.
const json& at(const json& object, const char* key) {
  static const json none;
  if (!object.is_object()) return none;
  const auto it = object.find(key);
  return it == object.end() ? none : *it;
}

const json& versionOf(const json& definition, const json& name) {
  static const json none;
  const json& all = at(at(definition, "spec"), "versions");
  if (!all.is_array()) return none;
  const auto it = std::find_if(all.begin(), all.end(),
                               [&](const json& one) { return at(one, "name") == name; });
  return it == all.end() ? none : *it;
}

void compare(const std::string& path, const json& theirs, const json& ours,
             std::vector<std::string>& out) {
  if (at(theirs, "x-kubernetes-preserve-unknown-fields") == true) return;
  for (const json& value : at(ours, "enum")) {
    const json& known = at(theirs, "enum");
    if (known.is_array() && std::find(known.begin(), known.end(), value) == known.end())
      out.push_back(path + ": " + value.get<std::string>());
  }
  if (const json& items = at(ours, "items"); items.is_object())
    compare(path + "[]", at(theirs, "items"), items, out);
  for (const auto& [name, field] : at(ours, "properties").items()) {
    const std::string inner = path.empty() ? name : path + "." + name;
    const json& known = at(at(theirs, "properties"), name.c_str());
    if (known.is_object())
      compare(inner, known, field, out);
    else
      out.push_back(inner);
  }
}

}  // namespace

std::vector<std::string> missingFrom(const json& theirs, const json& ours) {
  std::vector<std::string> out;
  for (const json& version : at(at(ours, "spec"), "versions")) {
    const json& known = versionOf(theirs, at(version, "name"));
    if (known.is_null()) {
      out.push_back("version " + version.value("name", ""));
      continue;
    }
    compare("", at(at(known, "schema"), "openAPIV3Schema"),
            at(at(version, "schema"), "openAPIV3Schema"), out);
  }
  return out;
}

}  // namespace reprise::api
