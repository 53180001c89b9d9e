#include "drift/training_distance.h"

#include <algorithm>
#include <limits>

#include "drift/summary.h"

namespace reprise::drift {
namespace {

constexpr double kLeast = 2;  // rows, that a variance takes

}  // namespace

Expected<Distance> trainingDistance(const Profile& live, const Profile& training) {
  if (auto good = comparable(live, training); !good) return tl::unexpected(good.error());
  const Summary known = summarize(training, std::numeric_limits<double>::infinity());
  const auto rows = static_cast<double>(live.rows());
  const Summary seen = summarize(live, std::max(kLeast, rows * known.n / (rows + known.n)));
  const bool more = live.rows() >= training.rows();  // Σ from the larger of the two
  return between(seen, known, more ? seen.trace : known.trace,
                 more ? live.fourierCovarianceSq() : training.fourierCovarianceSq());
}

}  // namespace reprise::drift
