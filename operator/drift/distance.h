// How far two profiles of the same basis are apart.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "drift/profile.h"

namespace reprise::drift {

struct Distance {
  // Unbiased squared maximum mean discrepancy of a Gaussian kernel (Gretton et al. 2012, JMLR 13,
  // lemma 6) from random Fourier features (Rahimi & Recht 2007). About 0 for the same source, also
  // negative; at most 2. No unit.
  double mmd2 = 0;
  // mmd2 / (‖μp‖² + ‖μq‖²), 0 … 1: how large, no matter how many rows. No unit.
  double effect = 0;
  // Standard deviation of the effect between two samples of one source that are as large as these.
  double noise = 0;
  // mmd2 / (√2 ‖Σ‖F (1/n + 1/m)): standard deviations of the null distribution (ibid., section 6).
  double z = 0;
  // The same as a probability of a sample as far away from one source: the null as a scaled χ² with
  // two moments fitted (Box 1954), which z as if normal understates where few directions carry the
  // variance. 0 … 1.
  double pValue = 1;
};

constexpr double kSure = 2;  // times its noise, that an effect may be off by chance

// `dependence`, ≥ 1: so many rows in a row say as much as one that is independent of the others, of
// both; see dependence.h.
// InvalidArgument: other basis, or fewer than 4 rows in one of them. Σ is taken from the larger of
// the two.
Expected<Distance> distance(const Profile& p, const Profile& q, double dependence = 1);

// ‖m1 - m2‖² + tr(C1 + C2 - 2 (C1 C2)^½) (Dowson & Landau 1982) of the scaled rows, divided by
// their dimension: squared standard deviations a feature. Nothing where a profile has no
// covariance. A second opinion for people; biased upwards by about dim / rows.
std::optional<double> frechet(const Profile& p, const Profile& q);

struct FeatureDistance {
  int feature = 0;           // index in Basis::features()
  double jensenShannon = 0;  // base 2, 0 … 1, missing values are a bin of their own
};
// Largest first. For people: blind for correlations that turn.
std::vector<FeatureDistance> perFeature(const Profile& p, const Profile& q);

// Squared distance of `live` to the nearest mixture w·a + (1-w)·b, as an effect and its z, and that
// w in 0 … 1: mean embeddings mix linearly, so rows of two known kinds are told from a new kind.
struct Mixture {
  double weight = 0;
  double effect = 0;
  double z = 0;
};
Expected<Mixture> nearestMixture(const Profile& live, const Profile& a, const Profile& b,
                                 double dependence = 1);

}  // namespace reprise::drift
