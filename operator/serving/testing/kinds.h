// Kinds of data for tests of serving.
#pragma once

#include <random>
#include <vector>

#include "drift/row.h"

namespace reprise::serving {

// Rows of one kind of data: a mean, and a correlation between the two features.
inline std::vector<drift::Row> rowsOf(double mean, int count, unsigned seed) {
  std::mt19937 random(seed);
  std::normal_distribution<double> normal;
  std::vector<drift::Row> rows;
  for (int i = 0; i < count; ++i)
    rows.push_back({mean + normal(random), 2 * mean + normal(random)});
  return rows;
}

inline constexpr double kA = 0, kB = 4, kC = -4;

}  // namespace reprise::serving
