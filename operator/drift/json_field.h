// Reading JSON that somebody else wrote: each getter checks type and range, and its error names the
// field.
#pragma once

#include <cmath>
#include <cstdint>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "base/result.h"

namespace reprise::drift {

inline tl::unexpected<Error> invalid(std::string message) {
  return fail(ErrorCode::InvalidArgument, std::move(message));
}

inline Expected<const nlohmann::json*> fieldOf(const nlohmann::json& object,
                                               const std::string& where, const char* name) {
  if (!object.is_object()) return invalid(where + ": must be an object");
  const auto it = object.find(name);
  if (it == object.end()) return invalid(where + "." + name + ": is missing");
  return &*it;
}

// A JSON number without a fraction; 3.0 is one too (other writers do not keep the two apart).
inline Expected<std::int64_t> intOf(const nlohmann::json& value, const std::string& where,
                                    std::int64_t least, std::int64_t most) {
  std::int64_t out = 0;
  bool good = false;
  if (value.is_number_unsigned()) {
    const auto number = value.get<std::uint64_t>();
    good = number <= static_cast<std::uint64_t>(INT64_MAX);
    out = good ? static_cast<std::int64_t>(number) : 0;
  } else if (value.is_number_integer()) {
    out = value.get<std::int64_t>();
    good = true;
  } else if (value.is_number_float()) {
    const double number = value.get<double>();
    good = std::abs(number) < 9007199254740992.0 && number == std::floor(number);
    out = good ? static_cast<std::int64_t>(number) : 0;
  }
  if (!good || out < least || out > most) {
    return invalid(where + ": must be an integer from " + std::to_string(least) + " to " +
                   std::to_string(most));
  }
  return out;
}

inline Expected<double> finiteOf(const nlohmann::json& value, const std::string& where) {
  if (!value.is_number() || !std::isfinite(value.get<double>())) {
    return invalid(where + ": must be a finite number");
  }
  return value.get<double>() + 0.0;  // -0 becomes 0: not all writers of JSON keep its sign
}

// The length is checked before anything is allocated.
inline Expected<std::vector<std::int64_t>> intsOf(const nlohmann::json& value,
                                                  const std::string& where, std::size_t length,
                                                  std::int64_t least, std::int64_t most) {
  if (!value.is_array() || value.size() != length) {
    return invalid(where + ": must be an array of " + std::to_string(length) + " integers");
  }
  std::vector<std::int64_t> out;
  out.reserve(length);
  for (std::size_t i = 0; i < length; ++i) {
    const auto number = intOf(value[i], where + "[" + std::to_string(i) + "]", least, most);
    if (!number) return tl::unexpected(number.error());
    out.push_back(*number);
  }
  return out;
}

}  // namespace reprise::drift
