// Kinds of data for tests: two correlated numbers, seeded.
#pragma once

#include <cmath>
#include <random>
#include <vector>

#include "drift/profile.h"

namespace reprise::drift::testing {

struct Kind {
  double x = 0, y = 0;  // means
  double correlation = 0;
  double scale = 1;
};

inline Row rowOf(const Kind& kind, std::mt19937& random) {
  std::normal_distribution<double> normal;
  const double a = normal(random), b = normal(random);
  return {kind.x + kind.scale * a,
          kind.y + kind.scale * (kind.correlation * a +
                                 std::sqrt(1 - kind.correlation * kind.correlation) * b)};
}

inline std::vector<Row> rowsOf(const Kind& kind, int count, unsigned seed) {
  std::mt19937 random(seed);
  std::vector<Row> rows;
  for (int i = 0; i < count; ++i) rows.push_back(rowOf(kind, random));
  return rows;
}

inline Profile profileOf(const Basis& basis, const std::vector<Row>& rows) {
  Profile out(basis);
  for (const auto& row : rows) (void)out.add(basis, row);
  return out;
}

}  // namespace reprise::drift::testing
