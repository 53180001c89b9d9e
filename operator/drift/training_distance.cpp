#include "drift/training_distance.h"

#include <algorithm>

#include "drift/summary.h"

namespace reprise::drift {
namespace {

constexpr double kLeast = 2;  // rows, that a variance takes

}  // namespace

Expected<Distance> trainingDistance(const Profile& live, const Profile& training) {
  const auto n = static_cast<double>(live.rows()), m = static_cast<double>(training.rows());
  return between(live, training, std::max(kLeast, n * m / (n + m)));
}

}  // namespace reprise::drift
