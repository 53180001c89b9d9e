#include "agent/monitor/json_read.h"

#include <string>

namespace reprise::agent::monitor {

using nlohmann::json;

namespace {

// Replaces the words outside of strings; "" if there are none.
std::string withoutPythonNumbers(std::string_view text) {
  std::string out;
  bool quoted = false, changed = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (quoted && c == '\\' && i + 1 < text.size()) {
      out += c;
      out += text[++i];
      continue;
    }
    if (c == '"') quoted = !quoted;
    if (!quoted && text.substr(i, 3) == "NaN") {
      out += "null";
      i += 2;
      changed = true;
    } else if (!quoted && text.substr(i, 8) == "Infinity") {
      out += "1.7976931348623157e308";
      i += 7;
      changed = true;
    } else {
      out += c;
    }
  }
  return changed ? out : std::string();
}

}  // namespace

json readJson(std::string_view text) {
  json value = json::parse(text, nullptr, false);
  if (!value.is_discarded()) return value;
  const std::string again = withoutPythonNumbers(text);
  return again.empty() ? value : json::parse(again, nullptr, false);
}

bool flatten(const json& value, std::vector<const json*>& out) {
  // not by recursion: the depth is a stranger's
  std::vector<std::pair<const json*, std::size_t>> open;
  if (value.is_object()) return false;
  if (!value.is_array()) {
    out.push_back(&value);
    return true;
  }
  open.emplace_back(&value, 0);
  while (!open.empty()) {
    auto& [array, at] = open.back();
    if (at == array->size()) {
      open.pop_back();
      continue;
    }
    const json& item = (*array)[at++];
    if (item.is_object()) return false;
    if (item.is_array())
      open.emplace_back(&item, 0);
    else
      out.push_back(&item);
  }
  return true;
}

drift::Cell cellOf(const json& value) {
  if (value.is_boolean()) return value.get<bool>() ? 1.0 : 0.0;
  if (value.is_number()) return value.get<double>();
  if (value.is_string()) return value.get<std::string>();
  return {};
}

}  // namespace reprise::agent::monitor
