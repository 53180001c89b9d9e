// Lists of names: versions, features.
#pragma once

#include <algorithm>
#include <string>
#include <vector>

namespace reprise::drift {

inline bool contains(const std::vector<std::string>& list, const std::string& name) {
  return std::find(list.begin(), list.end(), name) != list.end();
}

}  // namespace reprise::drift
