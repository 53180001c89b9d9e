// JSON to structs, by their fields. An error names the field by its path.
#pragma once

#include <nlohmann/json.hpp>

#include "api/field.h"
#include "base/result.h"
#include "json/view.h"

namespace reprise::api::detail {

// Of a member of any shape: it is handed on by functions that call themselves for each level.
inline constexpr int kDeepest = 200;

template <class T>
Expected<void> decodeValue(const JsonView& json, const std::string& path, T& out);

inline auto wrongType(const std::string& path, const char* wanted, const JsonView& json) {
  return fail(ErrorCode::InvalidArgument, path + " must be " + wanted + ", not " + json.typeName());
}

// What is not there, or null, keeps its default.
template <class T>
Expected<void> decodeMember(const JsonView& json, const char* name, const std::string& path,
                            T& out) {
  const JsonView member = json.at(name);
  return member.isNull() ? Expected<void>() : decodeValue(member, path, out);
}

template <class T>
struct Decoder {
  const JsonView& json;
  const std::string& path;
  T& out;
  Expected<void> result{};

  template <class M>
  void operator()(const char* name, M T::* member, const Field&) {
    if (result) result = decodeMember(json, name, path + "." + name, out.*member);
  }
};

template <class T>
Expected<void> decodeScalar(const JsonView& json, const std::string& path, T& out) {
  if constexpr (std::is_same_v<T, std::string>) {
    if (!json.isString()) return wrongType(path, "a string", json);
    out = json.text();
  } else if constexpr (std::is_same_v<T, bool>) {
    if (!json.isBool()) return wrongType(path, "true or false", json);
    out = json.flag();
  } else if constexpr (std::is_same_v<T, Time>) {
    if (!json.isString()) return wrongType(path, "a time (RFC 3339)", json);
    auto time = parseTime(json.text());
    if (!time) return fail(ErrorCode::InvalidArgument, path + ": " + time.error().message);
    out = *time;
  } else {
    if (!json.isInteger()) return wrongType(path, "an integer", json);
    const auto value = json.integer();
    out = static_cast<T>(value);
    if (out != value) return fail(ErrorCode::InvalidArgument, path + " is out of range");
  }
  return {};
}

template <class T>
Expected<void> decodeList(const JsonView& json, const std::string& path, std::vector<T>& out) {
  if (!json.isArray()) return wrongType(path, "a list", json);
  const auto items = json.items();
  out.assign(items.size(), T{});
  for (std::size_t i = 0; i < items.size(); ++i) {
    if (auto done = decodeValue(items[i], path + "[" + std::to_string(i) + "]", out[i]); !done)
      return done;
  }
  return {};
}

inline Expected<void> decodeMap(const JsonView& json, const std::string& path,
                                std::map<std::string, std::string>& out) {
  if (!json.isObject()) return wrongType(path, "a map", json);
  Expected<void> result;
  json.eachMember([&](std::string_view key, const JsonView& value) {
    if (!value.isString() && result)
      result = wrongType(path + "." + std::string(key), "a string", value);
    out[std::string(key)] = value.text();
  });
  return result;
}

template <class T>
Expected<void> decodeValue(const JsonView& json, const std::string& path, T& out) {
  if constexpr (std::is_same_v<T, nlohmann::json>) {
    if (json.deeperThan(kDeepest)) {
      return fail(ErrorCode::InvalidArgument, path + " is nested more than " +
                                                  std::to_string(kDeepest) +
                                                  " levels deep; make it flatter");
    }
    out = json.tree();
    return {};
  } else if constexpr (IsOptional<T>::value) {
    return decodeValue(json, path, out.emplace());
  } else if constexpr (IsVector<T>::value) {
    return decodeList(json, path, out);
  } else if constexpr (isStringMap<T>) {
    return decodeMap(json, path, out);
  } else if constexpr (isScalar<T>) {
    return decodeScalar(json, path, out);
  } else {
    if (!json.isObject()) return wrongType(path, "an object", json);
    Decoder<T> decoder{json, path, out};
    fields(decoder, Of<T>{});
    return decoder.result;
  }
}

}  // namespace reprise::api::detail
