// Reading a stranger's JSON for its values.
#pragma once

#include <string_view>
#include <vector>

#include <nlohmann/json.hpp>

#include "drift/row.h"

namespace reprise::agent::monitor {

// discarded where it is none. Python writes NaN and Infinity, which JSON has not: NaN is read as
// null, Infinity as the largest number.
nlohmann::json readJson(std::string_view text);

// The values that are no arrays, in order, of arrays nested in any depth; objects end it. False
// then.
bool flatten(const nlohmann::json& value, std::vector<const nlohmann::json*>& out);

drift::Cell cellOf(const nlohmann::json& value);  // an object or array is missing

}  // namespace reprise::agent::monitor
