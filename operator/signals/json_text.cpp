#include "signals/json_text.h"

#include <cmath>

namespace reprise::signals {

namespace {

Read<Json> parse(const std::string& body) {
  constexpr int kDeepest = 64;
  bool deep = false;
  const auto json = Json::parse(
      body,
      [&](int depth, Json::parse_event_t, Json&) {
        deep = deep || depth > kDeepest;
        return !deep;
      },
      false);
  if (deep) return unreadable("the body is nested more than 64 deep");
  if (json.is_discarded()) return unreadable("the body is not JSON; send UTF-8 JSON");
  return json;
}

}  // namespace

Read<Json> parseObject(const std::string& body) {
  auto json = parse(body);
  if (json && !json->is_object()) return unreadable("the body must be a JSON object");
  return json;
}

Read<Json> parseArray(const std::string& body) {
  auto json = parse(body);
  if (json && !json->is_array()) return unreadable("the body must be a JSON array of events");
  return json;
}

Read<std::string> textAt(const Json& object, const char* key, const std::string& path,
                         std::size_t most) {
  const auto it = object.find(key);
  if (it == object.end() || it->is_null()) return std::string();
  if (!it->is_string()) return unreadable(path + " must be a string, not " + it->type_name());
  const auto& text = it->get_ref<const std::string&>();
  if (text.size() > most)
    return unreadable(path + " is longer than " + std::to_string(most) + " bytes");
  return text;
}

Read<std::optional<bool>> boolAt(const Json& object, const char* key, const std::string& path) {
  const auto it = object.find(key);
  if (it == object.end() || it->is_null()) return std::nullopt;
  if (!it->is_boolean()) return unreadable(path + " must be true or false, not " + it->type_name());
  return it->get<bool>();
}

Read<std::optional<double>> numberAt(const Json& object, const char* key, const std::string& path) {
  const auto it = object.find(key);
  if (it == object.end() || it->is_null()) return std::nullopt;
  if (!it->is_number()) return unreadable(path + " must be a number, not " + it->type_name());
  const auto value = it->get<double>();
  if (!std::isfinite(value)) return unreadable(path + " must be a finite number");
  return value;
}

bool isPrintable(const std::string& text) {
  for (const char c : text) {
    if (c < 0x20 || c > 0x7e) return false;
  }
  return text.empty() || (text.front() != ' ' && text.back() != ' ');
}

std::string forPeople(const std::string& text, std::size_t most) {
  std::string out;
  for (std::size_t i = 0; i < text.size();) {
    const auto lead = static_cast<unsigned char>(text[i]);
    const std::size_t size = lead < 0x80             ? 1
                             : (lead & 0xe0) == 0xc0 ? 2
                             : (lead & 0xf0) == 0xe0 ? 3
                             : (lead & 0xf8) == 0xf0 ? 4
                                                     : 0;
    bool good = size > 0 && i + size <= text.size() && lead >= 0x20 && lead != 0x7f;
    for (std::size_t k = 1; good && k < size; ++k)
      good = (static_cast<unsigned char>(text[i + k]) & 0xc0) == 0x80;
    // nlohmann refuses overlong forms and surrogates when it writes: so they are no text here
    // either
    if (good && size > 1)
      good = !Json(text.substr(i, size))
                  .dump(-1, ' ', false, Json::error_handler_t::ignore)
                  .starts_with("\"\"");
    const std::string piece = good ? text.substr(i, size) : "?";
    if (out.size() + piece.size() > most) break;
    out += piece;
    i += good ? size : 1;
  }
  return out;
}

}  // namespace reprise::signals
