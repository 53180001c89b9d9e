#include "drift/distance.h"

#include <algorithm>
#include <cmath>

#include <Eigen/Core>
#include <Eigen/Eigenvalues>

#include "drift/summary.h"

namespace reprise::drift {
namespace {

Eigen::MatrixXd rootOf(const Eigen::MatrixXd& symmetric) {
  const Eigen::SelfAdjointEigenSolver<Eigen::MatrixXd> solver(symmetric);
  const Eigen::VectorXd roots = solver.eigenvalues().cwiseMax(0).cwiseSqrt();
  return solver.eigenvectors() * roots.asDiagonal() * solver.eigenvectors().transpose();
}

// Shares of the bins and of what is missing; NaN counts as missing for people.
std::vector<double> sharesOf(const FeatureCounts& counts, std::int64_t rows) {
  std::vector<double> out;
  for (const auto count : counts.bins)
    out.push_back(static_cast<double>(count) / static_cast<double>(rows));
  out.push_back(static_cast<double>(counts.missing + counts.nan) / static_cast<double>(rows));
  return out;
}

double divergence(double part, double middle) {
  return part > 0 ? part * std::log2(part / middle) : 0;
}

}  // namespace

Expected<Distance> distance(const Profile& p, const Profile& q, double dependence) {
  return between(p, countOf(p, dependence), q, countOf(q, dependence));
}

std::optional<double> frechet(const Profile& p, const Profile& q) {
  if (!comparable(p, q)) return std::nullopt;
  const auto m1 = p.mean(), m2 = q.mean(), c1 = p.covariance(), c2 = q.covariance();
  if (c1.empty() || m1.size() != m2.size() || c1.size() != c2.size()) return std::nullopt;
  const auto dim = static_cast<Eigen::Index>(m1.size());
  using Vector = Eigen::Map<const Eigen::VectorXd>;
  using Matrix = Eigen::Map<const Eigen::MatrixXd>;
  const Matrix first(c1.data(), dim, dim), second(c2.data(), dim, dim);
  // (C1 C2)^½ has the trace of the symmetric (C1^½ C2 C1^½)^½.
  const Eigen::MatrixXd root = rootOf(first);
  const double between = rootOf(root * second * root).trace();
  const double means = (Vector(m1.data(), dim) - Vector(m2.data(), dim)).squaredNorm();
  return std::max(0.0, means + first.trace() + second.trace() - 2 * between) /
         static_cast<double>(dim);
}

std::vector<FeatureDistance> perFeature(const Profile& p, const Profile& q) {
  std::vector<FeatureDistance> out;
  if (p.basisId() != q.basisId() || p.rows() == 0 || q.rows() == 0 ||
      p.features().size() != q.features().size())
    return out;
  for (std::size_t i = 0; i < p.features().size(); ++i) {
    const auto a = sharesOf(p.features()[i], p.rows()), b = sharesOf(q.features()[i], q.rows());
    if (a.size() != b.size()) return {};
    double sum = 0;
    for (std::size_t j = 0; j < a.size(); ++j) {
      const double middle = (a[j] + b[j]) / 2;
      sum += (divergence(a[j], middle) + divergence(b[j], middle)) / 2;
    }
    out.push_back({static_cast<int>(i), std::clamp(sum, 0.0, 1.0)});
  }
  std::stable_sort(out.begin(), out.end(),
                   [](const auto& a, const auto& b) { return a.jensenShannon > b.jensenShannon; });
  return out;
}

Expected<Mixture> nearestMixture(const Profile& live, const Profile& a, const Profile& b,
                                 double dependence) {
  for (const auto* known : {&a, &b}) {
    if (auto good = comparable(live, *known); !good) return tl::unexpected(good.error());
  }
  const auto counted = [&](const Profile& one) { return summarize(one, countOf(one, dependence)); };
  const Summary l = counted(live), p = counted(a), q = counted(b);
  // Squared distance of l to w·p + (1-w)·q is a parabola in w; all inner products without a row's
  // own with itself.
  const double lp = l.mean.dot(p.mean), lq = l.mean.dot(q.mean), pq = p.mean.dot(q.mean);
  const double curve = p.unbiased + q.unbiased - 2 * pq;
  Mixture out;
  out.weight = curve > 1e-9 ? std::clamp((lp - lq - pq + q.unbiased) / curve, 0.0, 1.0) : 0.5;
  const double w = out.weight, v = 1 - out.weight;
  const double mmd2 = l.unbiased + w * w * p.unbiased + v * v * q.unbiased + 2 * w * v * pq -
                      2 * w * lp - 2 * v * lq;
  // The mixture has the noise of both its parts, by the squares of their weights.
  const double scale = 1 / l.n + w * w / p.n + v * v / q.n;
  out.effect = share(mmd2, l.norm + w * w * p.norm + v * v * q.norm + 2 * w * v * pq);
  out.z = mmd2 / noiseOf(scale, live.fourierCovarianceSq());
  return out;
}

}  // namespace reprise::drift
