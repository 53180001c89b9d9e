// JSON as it came, looked at without a tree being made of it. What an API server sends is read this
// way: a tree has a piece of memory for each member, is read once, and thrown away.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include <simdjson.h>
#include <nlohmann/json.hpp>

#include "base/result.h"

namespace reprise {

// A value of a text that a JsonReader read, or null. Small; valid until that reader reads again or
// is gone. What is asked of a value of another type is empty.
class JsonView {
 public:
  JsonView();  // null

  bool isNull() const { return value_.is_null(); }
  bool isObject() const { return value_.is_object(); }
  bool isArray() const { return value_.is_array(); }
  bool isString() const { return value_.is_string(); }
  bool isBool() const { return value_.is_bool(); }
  bool isInteger() const { return value_.is_int64() || value_.is_uint64(); }
  const char* typeName() const;  // for people

  // Of itself.
  std::string_view text() const;
  bool flag() const;
  // One above the range of std::int64_t comes out negative, as a cast makes it.
  std::int64_t integer() const;
  std::map<std::string, std::string> strings() const;  // members that are strings
  std::vector<JsonView> items() const;                 // of an array

  // Of the member `name`; null where there is none. Linear in the number of members.
  JsonView at(std::string_view name) const;
  std::string text(std::string_view name) const { return std::string(at(name).text()); }
  bool flag(std::string_view name) const { return at(name).flag(); }
  std::int64_t integer(std::string_view name) const { return at(name).integer(); }

  // Calls each(std::string_view name, JsonView value) in the order of the text.
  template <class Each>
  void eachMember(Each&& each) const {
    simdjson::dom::object object;
    if (value_.get(object)) return;
    for (const auto& [name, value] : object) each(name, JsonView(value));
  }

  // Whether values are nested deeper than that, itself counted. tree() and hash() call themselves
  // for each level.
  bool deeperThan(int levels) const;
  nlohmann::json tree() const;
  // Equal of equal values, whatever the order of their members.
  std::uint64_t hash() const;
  // Of the members that keep(name) is true of, as if there were no others.
  std::uint64_t hash(const std::function<bool(std::string_view name)>& keep) const;

 private:
  friend class JsonReader;
  explicit JsonView(simdjson::dom::element value) : value_(value) {}
  simdjson::dom::element value_;
};

// Reads texts, one after the other. For one thread.
class JsonReader {
 public:
  // InvalidArgument where it is no JSON, or no UTF-8, or deeper than an API server takes (10,000).
  Expected<JsonView> read(std::string_view text);

 private:
  simdjson::dom::parser parser_;
};

// A tree written out and read: for who has one, and needs a view. Null where it is discarded.
class JsonText {
 public:
  explicit JsonText(const nlohmann::json& tree);
  JsonText(const JsonText&) = delete;  // views point into it
  JsonText& operator=(const JsonText&) = delete;
  operator JsonView() const { return view_; }

 private:
  JsonReader reader_;
  JsonView view_;
};

}  // namespace reprise
