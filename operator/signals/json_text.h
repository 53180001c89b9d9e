// Members of a stranger's JSON, each bounded and each mistake named by its field.
#pragma once

#include <string>

#include <nlohmann/json.hpp>

#include "signals/drift_signal.h"

namespace reprise::signals {

using Json = nlohmann::json;

inline tl::unexpected<Unreadable> unreadable(std::string message, int status = 400) {
  return tl::unexpected(Unreadable{status, std::move(message)});
}

// An object, or an array; nothing is read of what is nested deeper than 64.
Read<Json> parseObject(const std::string& body);
Read<Json> parseArray(const std::string& body);

// "" where it is left out or null.
Read<std::string> textAt(const Json& object, const char* key, const std::string& path,
                         std::size_t most);
Read<std::optional<bool>> boolAt(const Json& object, const char* key, const std::string& path);
// Finite.
Read<std::optional<double>> numberAt(const Json& object, const char* key, const std::string& path);

// A context, a version or an id: printable ASCII without spaces at its ends.
bool isPrintable(const std::string& text);

// At most `most` bytes, cut between two characters; what is no UTF-8 and control characters become
// '?'.
std::string forPeople(const std::string& text, std::size_t most = kMaxMessage);

}  // namespace reprise::signals
