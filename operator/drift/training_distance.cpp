#include "drift/training_distance.h"

#include <limits>

#include "drift/summary.h"

namespace reprise::drift {

Expected<Distance> trainingDistance(const Profile& live, const Profile& training) {
  if (auto good = comparable(live, training); !good) return tl::unexpected(good.error());
  const Summary known = summarize(training, std::numeric_limits<double>::infinity());
  const Summary seen = summarize(live, known.n);
  const bool more = live.rows() >= training.rows();  // Σ from the larger of the two
  return between(seen, known, more ? seen.trace : known.trace,
                 more ? live.fourierCovarianceSq() : training.fourierCovarianceSq());
}

}  // namespace reprise::drift
