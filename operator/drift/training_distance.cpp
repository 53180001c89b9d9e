#include "drift/training_distance.h"

#include "drift/summary.h"

namespace reprise::drift {

Expected<Distance> trainingDistance(const Profile& live, const Profile& training,
                                    double dependence) {
  const double n = countOf(live, dependence), m = countOf(training, dependence);
  return between(live, n * m / (n + m), training, m);
}

}  // namespace reprise::drift
