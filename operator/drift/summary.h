// What the distances share: a profile as a number of rows and a mean, and what two of them are
// apart.
#pragma once

#include <limits>

#include <Eigen/Core>

#include "drift/distance.h"

namespace reprise::drift {

constexpr double kAllRows = std::numeric_limits<double>::infinity();

struct Summary {
  double n = 0;
  Eigen::VectorXd mean;  // Fourier
  double norm = 0;       // ‖mean‖²
  double unbiased = 0;   // mean of k(x, x') over pairs of different rows
  double trace = 0;      // tr(Σ): |phi| = 1
};

// `most`: the profile counts as so many rows at most, ≥ 2.
Summary summarize(const Profile& profile, double most = kAllRows);

// InvalidArgument: other basis, or fewer than 4 rows in one of them.
Expected<void> comparable(const Profile& p, const Profile& q);

double share(double mmd2, double norms);
double noiseOf(double scale, double covarianceSq);

// As distance(), where p counts as `most` rows at most, ≥ 2. Σ is taken from the one with more
// rows.
Expected<Distance> between(const Profile& p, const Profile& q, double most = kAllRows);

}  // namespace reprise::drift
