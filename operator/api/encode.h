// Structs to JSON, by their fields.
#pragma once

#include <nlohmann/json.hpp>

#include "api/field.h"

namespace reprise::api::detail {

using Json = nlohmann::json;

template <class T>
Json encodeValue(const T& value);

template <class T>
struct Encoder {
  const T& value;
  const T& initial;  // what a new struct has: such fields are left out
  Json out = Json::object();

  template <class M>
  void operator()(const char* name, M T::* member, const Field& field) {
    Json encoded = encodeValue(value.*member);
    if (encoded.is_null()) return;
    if (!field.always && encoded == encodeValue(initial.*member)) return;
    out[name] = std::move(encoded);
  }
};

template <class T>
Json encodeStruct(const T& value) {
  static const T initial{};
  Encoder<T> encoder{value, initial};
  fields(encoder, Of<T>{});
  return std::move(encoder.out);
}

template <class T>
Json encodeValue(const T& value) {
  if constexpr (std::is_same_v<T, Json>) {
    return value;
  } else if constexpr (std::is_same_v<T, Time>) {
    return formatTime(value, value.time_since_epoch().count() % 1000 ? 3 : 0);
  } else if constexpr (IsOptional<T>::value) {
    return value ? encodeValue(*value) : Json();
  } else if constexpr (IsVector<T>::value) {
    Json list = Json::array();
    for (const auto& entry : value) list.push_back(encodeValue(entry));
    return list;
  } else if constexpr (isScalar<T> || isStringMap<T>) {
    return value;
  } else {
    return encodeStruct(value);
  }
}

}  // namespace reprise::api::detail
