// JSON to structs, by their fields. An error names the field by its path.
#pragma once

#include <nlohmann/json.hpp>

#include "api/field.h"
#include "base/result.h"

namespace reprise::api::detail {

using Json = nlohmann::json;

template <class T>
Expected<void> decodeValue(const Json& json, const std::string& path, T& out);

inline auto wrongType(const std::string& path, const char* wanted, const Json& json) {
  return fail(ErrorCode::InvalidArgument,
              path + " must be " + wanted + ", not " + json.type_name());
}

template <class T>
struct Decoder {
  const Json& json;
  const std::string& path;
  T& out;
  Expected<void> result{};

  template <class M>
  void operator()(const char* name, M T::* member, const Field&) {
    if (!result) return;
    const auto it = json.find(name);
    if (it == json.end() || it->is_null()) return;  // keeps its default
    result = decodeValue(*it, path + "." + name, out.*member);
  }
};

template <class T>
Expected<void> decodeScalar(const Json& json, const std::string& path, T& out) {
  if constexpr (std::is_same_v<T, std::string>) {
    if (!json.is_string()) return wrongType(path, "a string", json);
    out = json.get<std::string>();
  } else if constexpr (std::is_same_v<T, bool>) {
    if (!json.is_boolean()) return wrongType(path, "true or false", json);
    out = json.get<bool>();
  } else if constexpr (std::is_same_v<T, Time>) {
    if (!json.is_string()) return wrongType(path, "a time (RFC 3339)", json);
    auto time = parseTime(json.get_ref<const std::string&>());
    if (!time) return fail(ErrorCode::InvalidArgument, path + ": " + time.error().message);
    out = *time;
  } else {
    if (!json.is_number_integer()) return wrongType(path, "an integer", json);
    const auto value = json.get<std::int64_t>();
    out = static_cast<T>(value);
    if (out != value) return fail(ErrorCode::InvalidArgument, path + " is out of range");
  }
  return {};
}

template <class T>
Expected<void> decodeList(const Json& json, const std::string& path, std::vector<T>& out) {
  if (!json.is_array()) return wrongType(path, "a list", json);
  out.assign(json.size(), T{});
  for (std::size_t i = 0; i < json.size(); ++i) {
    if (auto done = decodeValue(json[i], path + "[" + std::to_string(i) + "]", out[i]); !done)
      return done;
  }
  return {};
}

inline Expected<void> decodeMap(const Json& json, const std::string& path,
                                std::map<std::string, std::string>& out) {
  if (!json.is_object()) return wrongType(path, "a map", json);
  for (const auto& [key, value] : json.items()) {
    if (!value.is_string()) return wrongType(path + "." + key, "a string", value);
    out[key] = value.get<std::string>();
  }
  return {};
}

template <class T>
Expected<void> decodeValue(const Json& json, const std::string& path, T& out) {
  if constexpr (std::is_same_v<T, Json>) {
    out = json;
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
    if (!json.is_object()) return wrongType(path, "an object", json);
    Decoder<T> decoder{json, path, out};
    fields(decoder, Of<T>{});
    return decoder.result;
  }
}

}  // namespace reprise::api::detail
