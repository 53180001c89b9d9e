// One row of model inputs, as it comes from a training file or from a request.
#pragma once

#include <string>
#include <variant>
#include <vector>

namespace reprise::drift {

// monostate: the value is missing (absent, null, an empty field). A double may be NaN or infinite:
// such values are counted as what they are and never spoil a sum.
using Cell = std::variant<std::monostate, double, std::string>;

// One cell a feature, in the order of Basis::features().
using Row = std::vector<Cell>;

}  // namespace reprise::drift
