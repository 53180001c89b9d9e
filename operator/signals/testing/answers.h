// Entries of a monitor's answers.
#pragma once

#include <nlohmann/json.hpp>

#include "drift/basis.h"
#include "drift/profile.h"

namespace reprise::signals {

inline nlohmann::json windowEntry(std::int64_t seq) {
  std::vector<drift::Row> rows;
  for (int i = 0; i < 40; ++i) rows.push_back({double(i % 7), double(i % 5)});
  const auto basis = *drift::Basis::fit({"x", "y"}, rows);
  drift::Profile profile(basis);
  for (int i = 0; i < 10; ++i) (void)profile.add(basis, {double(i), 1.0});
  return {{"seq", seq},
          {"firstMs", 1000 * seq},
          {"lastMs", 1000 * seq + 500},
          {"profile", profile.toJson()}};
}

inline nlohmann::json blockEntry(std::int64_t seq, int n, double errors) {
  return {{"seq", seq}, {"firstMs", 1000 * seq}, {"lastMs", 1000 * seq + 500},
          {"n", n},     {"errorSum", errors},    {"errorSqSum", errors}};
}

inline nlohmann::json rowEntry(std::int64_t seq) {
  return {{"seq", seq}, {"atMs", 100 * seq}, {"request", {{"x", seq}}}, {"label", 1}};
}

}  // namespace reprise::signals
