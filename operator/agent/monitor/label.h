// A label as a client sends it: what was right for a request, by the id of its answer.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json.hpp>

#include "base/result.h"

namespace reprise::agent::monitor {

// A label as it came: {"id", "label"}, {"id", "labels": [one a row, null where unknown]} or {"id",
// "error"}.
struct Label {
  std::string id;
  nlohmann::json label;  // a scalar, or an array with one a row; discarded where `error` is given
  double error = 0;
  bool isError = false;
};
// One, or an array of them, or an array under "labels"/"feedback". InvalidArgument names the entry
// and the field.
Expected<std::vector<Label>> parseLabels(std::string_view body);

}  // namespace reprise::agent::monitor
