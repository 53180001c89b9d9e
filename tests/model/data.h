// Kinds of live data, made once: profiles of versions trained on them, and windows of requests.
#pragma once

#include <string>
#include <vector>

#include <nlohmann/json.hpp>

namespace reprise::model {

enum class Kind { A, B, C };

inline char letter(Kind kind) { return static_cast<char>('A' + static_cast<int>(kind)); }

// spec.profile of a ModelVersion that was trained on rows of `kind`.
const nlohmann::json& trainedProfile(Kind kind);
// The profile of one window of 100 requests, as a monitor writes it; `number` picks one of a few.
const std::string& windowProfile(Kind kind, std::size_t number);

}  // namespace reprise::model
