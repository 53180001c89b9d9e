// Structs to a structural OpenAPI v3 schema, by their fields.
#pragma once

#include <string>

#include <nlohmann/json.hpp>

#include "api/field.h"

namespace reprise::api::detail {

using Json = nlohmann::ordered_json;

template <class T>
Json schemaValue(const Field& field);

inline Json enumOf(const std::string& oneOf) {
  Json out = Json::array();
  for (std::size_t begin = 0; begin <= oneOf.size();) {
    const auto end = std::min(oneOf.find('|', begin), oneOf.size());
    out.push_back(oneOf.substr(begin, end - begin));
    begin = end + 1;
  }
  return out;
}

template <class T>
struct SchemaMaker {
  Json properties = Json::object();
  Json required = Json::array();

  template <class M>
  void operator()(const char* name, M T::*, const Field& field) {
    Json schema = schemaValue<M>(field);
    schema["description"] = field.doc;
    if (field.default_) schema["default"] = Json::parse(field.default_);
    for (const auto& [rule, message] : field.rules) {
      schema["x-kubernetes-validations"].push_back({{"rule", rule}, {"message", message}});
    }
    properties[name] = std::move(schema);
    if (field.required) required.push_back(name);
  }
};

template <class T>
Json schemaStruct() {
  SchemaMaker<T> maker;
  fields(maker, Of<T>{});
  Json out = {{"type", "object"}};
  if (!maker.properties.empty()) out["properties"] = std::move(maker.properties);
  if (!maker.required.empty()) out["required"] = std::move(maker.required);
  return out;
}

// Lengths are bounded even where the field does not say so: CEL's cost is estimated from them.
inline void bound(Json& schema, const Field& field, const char* low, const char* high,
                  std::int64_t most) {
  if (field.min) schema[low] = *field.min;
  schema[high] = field.max.value_or(most);
}

template <class T>
Json schemaValue(const Field& field) {
  Json out;
  if constexpr (std::is_same_v<T, nlohmann::json>) {
    out = {{"type", "object"}, {"x-kubernetes-preserve-unknown-fields", true}};
  } else if constexpr (IsOptional<T>::value) {
    out = schemaValue<typename T::value_type>(field);
  } else if constexpr (IsVector<T>::value) {
    Field entry;
    entry.oneOf = field.oneOf;
    out = {{"type", "array"}, {"items", schemaValue<typename T::value_type>(entry)}};
    bound(out, field, "minItems", "maxItems", 64);
    out["x-kubernetes-list-type"] = field.key ? "map" : "atomic";
    if (field.key) out["x-kubernetes-list-map-keys"] = Json::array({field.key});
  } else if constexpr (isStringMap<T>) {
    out = {{"type", "object"}, {"additionalProperties", {{"type", "string"}, {"maxLength", 1024}}}};
    bound(out, field, "minProperties", "maxProperties", 1024);
  } else if constexpr (std::is_same_v<T, bool>) {
    out = {{"type", "boolean"}};
  } else if constexpr (std::is_integral_v<T>) {
    out = {{"type", "integer"}, {"format", sizeof(T) == 4 ? "int32" : "int64"}};
    if (field.min) out["minimum"] = *field.min;
    if (field.max) out["maximum"] = *field.max;
  } else if constexpr (std::is_same_v<T, Time>) {
    out = {{"type", "string"}, {"format", "date-time"}};
  } else if constexpr (std::is_same_v<T, std::string>) {
    out = {{"type", "string"}};
    if (field.oneOf)
      out["enum"] = enumOf(field.oneOf);
    else
      bound(out, field, "minLength", "maxLength", 4096);
    if (field.pattern) out["pattern"] = field.pattern;
  } else {
    out = schemaStruct<T>();
  }
  return out;
}

}  // namespace reprise::api::detail
