// What the distances share: a profile as a number of rows and a mean, and what two of them are
// apart.
#pragma once

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

// As how many rows a profile counts, where so many in a row say as much as one that is independent.
double countOf(const Profile& profile, double dependence = 1);

// The profile counts as `rows`, 2 at least.
Summary summarize(const Profile& profile, double rows);

// InvalidArgument: other basis, or fewer than 4 rows in one of them.
Expected<void> comparable(const Profile& p, const Profile& q);

// Squared distance of the means, without a row's own part in it: see Distance::mmd2.
double mmd2Of(const Summary& a, const Summary& b);
double share(double mmd2, double norms);
double noiseOf(double scale, double covarianceSq);

// As distance(), where they count as so many rows, 2 at least. Σ is taken from the one with more
// rows.
Expected<Distance> between(const Profile& p, double rowsOfP, const Profile& q, double rowsOfQ);

}  // namespace reprise::drift
