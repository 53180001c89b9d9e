#include "drift/dependence.h"

#include <algorithm>
#include <cmath>

#include "drift/summary.h"

namespace reprise::drift {
namespace {

constexpr double kMost = 20;
constexpr std::size_t kLags = 3;
constexpr std::size_t kLeastPairs = 4;
constexpr double kSureOfIt = 3;  // standard deviations of a mean over pairs

// The median over pairs that are `lag` apart, 1 for independent rows; 0 where there are too few.
double apart(const std::vector<Summary>& stretches, std::size_t lag, double trace) {
  std::vector<double> ratios;
  for (std::size_t i = lag; i < stretches.size(); ++i) {
    const auto &a = stretches[i - lag], &b = stretches[i];
    ratios.push_back(1 + mmd2Of(a, b) / (trace * (1 / a.n + 1 / b.n)));
  }
  if (ratios.size() < kLeastPairs) return 0;
  const auto middle = ratios.begin() + static_cast<std::ptrdiff_t>(ratios.size() / 2);
  std::nth_element(ratios.begin(), middle, ratios.end());
  return *middle;
}

}  // namespace

double dependenceOf(const std::vector<const Profile*>& stretches, const Profile& training) {
  std::vector<Summary> there;
  for (const auto* one : stretches) {
    if (comparable(*one, training)) there.push_back(summarize(*one, countOf(*one)));
  }
  const double trace = summarize(training, countOf(training)).trace;
  if (trace <= 1e-9 || there.size() < kLeastPairs + kLags) return 1;
  double out = kMost;
  for (std::size_t lag = 1; lag <= kLags; ++lag) out = std::min(out, apart(there, lag, trace));
  const double noise = std::sqrt(2 * training.fourierCovarianceSq()) / trace;
  const double chance = kSureOfIt * noise / std::sqrt(static_cast<double>(there.size() - kLags));
  return out > 1 + chance ? out : 1;
}

}  // namespace reprise::drift
