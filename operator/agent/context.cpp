#include "agent/context.h"

#include <algorithm>

#include "agent/files.h"

namespace reprise::agent {
namespace {

bool isAlnum(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

// [A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?, at most 63
bool isName(std::string_view text) {
  return !text.empty() && text.size() <= 63 && isAlnum(text.front()) && isAlnum(text.back()) &&
         std::all_of(text.begin(), text.end(),
                     [](char c) { return isAlnum(c) || c == '-' || c == '_' || c == '.'; });
}

// A DNS subdomain.
bool isPrefix(std::string_view text) {
  if (text.empty() || text.size() > 253) return false;
  const auto small = [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); };
  for (std::size_t begin = 0; begin <= text.size();) {
    const auto end = std::min(text.find('.', begin), text.size());
    const auto part = text.substr(begin, end - begin);
    if (part.empty() || part.size() > 63 || !small(part.front()) || !small(part.back()) ||
        !std::all_of(part.begin(), part.end(), [&](char c) { return small(c) || c == '-'; }))
      return false;
    begin = end + 1;
  }
  return true;
}

bool isLabelKey(std::string_view key) {
  const auto slash = key.find('/');
  return slash == key.npos ? isName(key)
                           : isPrefix(key.substr(0, slash)) && isName(key.substr(slash + 1));
}

bool isValue(std::string_view text) {
  return !text.empty() && text.size() <= kMaxContextValue &&
         std::all_of(text.begin(), text.end(), [](char c) { return c >= ' ' && c < 127; });
}

}  // namespace

Expected<std::map<std::string, std::string>> parseContext(std::string_view text,
                                                          const std::string& where) {
  auto json = parseJson(text, where);
  if (!json) return tl::unexpected(json.error());
  const auto wrong = [&](const std::string& what) {
    return fail(ErrorCode::InvalidArgument, where + what);
  };
  if (!json->is_object()) return wrong(": must be an object of texts, {\"vehicle\": \"A\"}");
  if (json->size() > kMaxContextEntries) {
    return wrong(" has " + std::to_string(json->size()) + " entries; write at most " +
                 std::to_string(kMaxContextEntries));
  }
  std::map<std::string, std::string> out;
  for (const auto& [key, value] : json->items()) {
    const std::string named = ": '" + key.substr(0, 320) + "'";
    if (!isLabelKey(key)) {
      return wrong(named + " is no key of a label: at most 63 letters, digits, '-', '_' and '.'" +
                   ", perhaps with a domain and '/' before them");
    }
    if (!value.is_string())
      return wrong(named + " is " + value.type_name() + ", it must be a text");
    if (!isValue(value.get_ref<const std::string&>())) {
      return wrong(named + " must be a text of 1 to " + std::to_string(kMaxContextValue) +
                   " printable ASCII characters");
    }
    out[key] = value.get<std::string>();
  }
  return out;
}

}  // namespace reprise::agent
