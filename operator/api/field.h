// One description of each field: the codec, the CRD's schema and docs/reference are made of it.
//
// A kind is described by `template <class V> void fields(V& v, Of<T>)`, which calls v(name,
// &T::member, Field{…}) for each field in the order people read them.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <map>
#include <optional>
#include <string>
#include <type_traits>
#include <vector>

#include <nlohmann/json.hpp>

#include "base/time.h"

namespace reprise::api {

template <class T>
struct Of {};

// A CEL rule of the schema (x-kubernetes-validations) and the sentence that kubectl shows.
struct Rule {
  const char* rule;
  const char* message;
};

struct Field {
  const char* doc = "";
  bool required = false;
  bool always = false;  // written even at its default: what server-side apply or a schema asks for
  const char* default_ = nullptr;  // JSON text that the API server fills in
  std::optional<std::int64_t> min{},
      max{};  // numbers: value. Strings: length. Lists and maps: entries
  const char* pattern = nullptr;
  const char* oneOf = nullptr;  // "A|B|C"; for a list of strings: of each entry
  const char* key = nullptr;    // a list that is a map by this member ("name")
  std::initializer_list<Rule> rules{};
};

// Durations as parseDuration reads them, decimal numbers as strings, names as Kubernetes has them.
inline constexpr const char* kDurationPattern = "^([0-9]+(\\.[0-9]+)?(ns|us|ms|s|m|h))+$";
inline constexpr const char* kDecimalPattern = "^-?[0-9]+(\\.[0-9]+)?([eE][-+]?[0-9]+)?$";
inline constexpr const char* kNamePattern = "^[a-z0-9]([-a-z0-9]*[a-z0-9])?$";

template <class T>
struct IsOptional : std::false_type {};
template <class T>
struct IsOptional<std::optional<T>> : std::true_type {};
template <class T>
struct IsVector : std::false_type {};
template <class T>
struct IsVector<std::vector<T>> : std::true_type {};

template <class T>
inline constexpr bool isStringMap = std::is_same_v<T, std::map<std::string, std::string>>;
template <class T>
inline constexpr bool isScalar =
    std::is_same_v<T, std::string> || std::is_integral_v<T> || std::is_same_v<T, Time>;

}  // namespace reprise::api
