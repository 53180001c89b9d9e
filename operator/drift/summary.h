// What the distances share: a profile as a number of rows and a mean, and what two of them are
// apart.
#pragma once

#include <cstdint>

#include <Eigen/Core>

#include "drift/distance.h"

namespace reprise::drift {

struct Summary {
  double n = 0;
  Eigen::VectorXd mean;  // Fourier
  double norm = 0;       // ‖mean‖²
  double unbiased = 0;   // mean of k(x, x') over pairs of different rows
  double trace = 0;      // tr(Σ): |phi| = 1
};

// `most`: the profile counts as so many rows at most, ≥ 2.
Summary summarize(const Profile& profile, double most);

// InvalidArgument: other basis, or fewer than 4 rows in one of them.
Expected<void> comparable(const Profile& p, const Profile& q);

double share(double mmd2, double norms);
double noiseOf(double scale, double covarianceSq);

// `trace`, `covarianceSq`: of the rows that Σ is taken from.
Distance between(const Summary& a, const Summary& b, double trace, double covarianceSq);

}  // namespace reprise::drift
