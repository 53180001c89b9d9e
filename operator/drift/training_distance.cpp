#include "drift/training_distance.h"

#include "drift/summary.h"

namespace reprise::drift {

Expected<Distance> trainingDistance(const Profile& live, const Profile& training,
                                    double dependence) {
  const double n = static_cast<double>(live.rows()) / dependence;
  const double m = static_cast<double>(training.rows()) / dependence;
  return between(live, n * m / (n + m), training, m);
}

}  // namespace reprise::drift
