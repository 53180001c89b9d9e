#include "drift/summary.h"

#include <algorithm>
#include <cmath>

#include <boost/math/special_functions/gamma.hpp>

#include "drift/json_field.h"

namespace reprise::drift {
namespace {

constexpr std::int64_t kLeastRows = 4;
constexpr double kLeastCount = 2;   // rows, that a variance takes
constexpr double kRounding = 1e-5;  // what the fixed point leaves in a distance of equal rows

// The null is Σᵢ λᵢ χ²₁ · scale, less its mean: as a χ² with that mean and variance.
double pValueOf(double mmd2, double scale, double trace, double covarianceSq) {
  if (trace <= 1e-9 || covarianceSq <= 1e-18)
    return mmd2 > 1e-4 ? 0 : 1;  // rows that are all the same
  const double freedom = trace * trace / covarianceSq;
  const double statistic = (mmd2 / scale + trace) * trace / covarianceSq;
  using Plain = boost::math::policies::policy<boost::math::policies::promote_double<false>>;
  return statistic <= 0 ? 1 : boost::math::gamma_q(freedom / 2, statistic / 2, Plain());
}

}  // namespace

double countOf(const Profile& profile, double dependence) {
  return static_cast<double>(profile.rows()) / dependence;
}

Summary summarize(const Profile& profile, double rows) {
  Summary out;
  const auto all = static_cast<double>(profile.rows());
  out.n = std::max(kLeastCount, rows);
  const auto mean = profile.fourierMean();
  out.mean = Eigen::Map<const Eigen::VectorXd>(mean.data(), kFourierDim);
  out.norm = out.mean.squaredNorm();
  out.unbiased = (out.n * out.norm - 1) / (out.n - 1);
  out.trace = std::max(0.0, (1 - out.norm) * all / (all - 1));
  return out;
}

Expected<void> comparable(const Profile& p, const Profile& q) {
  if (p.basisId().empty() || p.basisId() != q.basisId()) {
    return invalid("profiles: have different bases, '" + p.basisId() + "' and '" + q.basisId() +
                   "'");
  }
  if (std::min(p.rows(), q.rows()) < kLeastRows) {
    return invalid("profiles: need at least " + std::to_string(kLeastRows) + " rows each, have " +
                   std::to_string(p.rows()) + " and " + std::to_string(q.rows()));
  }
  return {};
}

double mmd2Of(const Summary& a, const Summary& b) {
  return a.unbiased + b.unbiased - 2 * a.mean.dot(b.mean);
}

double share(double mmd2, double norms) {
  return norms > 0 ? std::clamp(mmd2 / norms, 0.0, 1.0) : 0;
}

double noiseOf(double scale, double covarianceSq) {
  return std::max(kRounding, std::sqrt(2 * covarianceSq) * scale);
}

Expected<Distance> between(const Profile& p, double rowsOfP, const Profile& q, double rowsOfQ) {
  if (auto good = comparable(p, q); !good) return tl::unexpected(good.error());
  const Summary a = summarize(p, rowsOfP), b = summarize(q, rowsOfQ);
  const bool first = p.rows() >= q.rows();
  const double trace = first ? a.trace : b.trace;
  const double covarianceSq = first ? p.fourierCovarianceSq() : q.fourierCovarianceSq();
  const double scale = 1 / a.n + 1 / b.n;
  Distance out;
  out.mmd2 = mmd2Of(a, b);
  out.effect = share(out.mmd2, a.norm + b.norm);
  out.noise = share(noiseOf(scale, covarianceSq), a.norm + b.norm);
  out.z = out.mmd2 / noiseOf(scale, covarianceSq);
  out.pValue = pValueOf(out.mmd2, scale, trace, covarianceSq);
  return out;
}

}  // namespace reprise::drift
