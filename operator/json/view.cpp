#include "json/view.h"

#include <algorithm>

namespace reprise {
namespace {

using nlohmann::json;
using simdjson::dom::element_type;

// A reader keeps the memory of the largest text that it read: beyond this it is given back.
constexpr std::size_t kKept = 1 << 20;
// sigs.k8s.io/json, which the API server reads with, stops there.
constexpr std::size_t kDeepest = 10'000;

simdjson::dom::element null() {
  static simdjson::dom::parser parser;
  static const simdjson::dom::element value = parser.parse(std::string_view("null")).value();
  return value;
}

// The last step of MurmurHash3 (Appleby 2011).
std::uint64_t mixed(std::uint64_t hash) {
  hash = (hash ^ hash >> 33) * 0xff51afd7ed558ccdULL;
  hash = (hash ^ hash >> 33) * 0xc4ceb9fe1a85ec53ULL;
  return hash ^ hash >> 33;
}

std::uint64_t hashOf(std::string_view text) { return std::hash<std::string_view>{}(text); }

}  // namespace

JsonView::JsonView() : value_(null()) {}

const char* JsonView::typeName() const {
  switch (value_.type()) {
    case element_type::OBJECT: return "object";
    case element_type::ARRAY: return "array";
    case element_type::STRING: return "string";
    case element_type::BOOL: return "boolean";
    case element_type::NULL_VALUE: return "null";
    case element_type::INT64:
    case element_type::UINT64:
    case element_type::DOUBLE: return "number";
  }
  return "unknown";
}

std::string_view JsonView::text() const {
  std::string_view out;
  return value_.get(out) ? std::string_view() : out;
}

bool JsonView::flag() const {
  bool out = false;
  return !value_.get(out) && out;
}

std::int64_t JsonView::integer() const {
  std::int64_t out = 0;
  std::uint64_t large = 0;
  if (!value_.is_int64() && !value_.get(large)) return static_cast<std::int64_t>(large);
  return value_.get(out) ? 0 : out;
}

std::map<std::string, std::string> JsonView::strings() const {
  std::map<std::string, std::string> out;
  eachMember([&](std::string_view name, const JsonView& value) {
    if (value.isString()) out.insert_or_assign(std::string(name), std::string(value.text()));
  });
  return out;
}

std::vector<JsonView> JsonView::items() const {
  std::vector<JsonView> out;
  simdjson::dom::array array;
  if (value_.get(array)) return out;
  for (const auto item : array) out.push_back(JsonView(item));
  return out;
}

JsonView JsonView::at(std::string_view name) const {
  simdjson::dom::object object;
  simdjson::dom::element value;
  if (value_.get(object) || object.at_key(name).get(value)) return {};
  return JsonView(value);
}

bool JsonView::deeperThan(int levels) const {
  if (levels == 0) return true;
  if (isArray()) {
    const auto all = items();
    return std::any_of(all.begin(), all.end(),
                       [&](const JsonView& item) { return item.deeperThan(levels - 1); });
  }
  bool out = false;
  eachMember(
      [&](std::string_view, const JsonView& value) { out = out || value.deeperThan(levels - 1); });
  return out;
}

json JsonView::tree() const {
  switch (value_.type()) {
    case element_type::OBJECT: {
      json out = json::object();
      eachMember([&](std::string_view name, const JsonView& value) {
        out[std::string(name)] = value.tree();
      });
      return out;
    }
    case element_type::ARRAY: {
      json out = json::array();
      for (const JsonView& item : items()) out.push_back(item.tree());
      return out;
    }
    case element_type::STRING: return text();
    case element_type::BOOL: return flag();
    case element_type::INT64: return value_.get_int64().value_unsafe();
    case element_type::UINT64: return value_.get_uint64().value_unsafe();
    case element_type::DOUBLE: return value_.get_double().value_unsafe();
    case element_type::NULL_VALUE: break;
  }
  return nullptr;
}

std::uint64_t JsonView::hash(const std::function<bool(std::string_view)>& keep) const {
  std::uint64_t out = mixed(static_cast<std::uint64_t>(element_type::OBJECT));
  eachMember([&](std::string_view name, const JsonView& value) {
    if (keep(name)) out += mixed(mixed(hashOf(name)) + value.hash());
  });
  return mixed(out);
}

std::uint64_t JsonView::hash() const {
  std::uint64_t out = mixed(static_cast<std::uint64_t>(value_.type()));
  switch (value_.type()) {
    case element_type::OBJECT: return hash([](std::string_view) { return true; });
    case element_type::ARRAY:
      for (const JsonView& item : items()) out = mixed(out) + item.hash();
      break;
    case element_type::STRING: out += hashOf(text()); break;
    case element_type::DOUBLE:
      out += std::hash<double>{}(value_.get_double().value_unsafe());
      break;
    case element_type::BOOL: out += flag(); break;
    case element_type::INT64:
    case element_type::UINT64: out += static_cast<std::uint64_t>(integer()); break;
    case element_type::NULL_VALUE: break;
  }
  return mixed(out);
}

Expected<JsonView> JsonReader::read(std::string_view text) {
  if (parser_.capacity() > kKept && text.size() <= kKept) parser_ = simdjson::dom::parser();
  simdjson::dom::element value;
  // It copies the text, for it looks some bytes beyond the end.
  auto error = parser_.parse(text.data(), text.size(), true).get(value);
  if (error == simdjson::DEPTH_ERROR) {
    error = parser_.allocate(text.size(), kDeepest);
    if (!error) error = parser_.parse(text.data(), text.size(), true).get(value);
  }
  if (error) return fail(ErrorCode::InvalidArgument, simdjson::error_message(error));
  return JsonView(value);
}

JsonText::JsonText(const json& tree) {
  const auto read = reader_.read(tree.dump(-1, ' ', false, json::error_handler_t::replace));
  if (read) view_ = *read;
}

}  // namespace reprise
