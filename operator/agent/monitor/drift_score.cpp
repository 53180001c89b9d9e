#include "agent/monitor/drift_score.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "drift/distance.h"

namespace reprise::agent::monitor {

namespace {
// Windows that were closed by age may have one row each: they are joined, so that few are kept.
constexpr std::int64_t kPieceRows = 50;

std::int64_t countOf(const drift::FeatureCounts& counts) {
  return std::accumulate(counts.bins.begin(), counts.bins.end(), std::int64_t{0});
}

double part(double share, double middle) {
  return share > 0 ? share * std::log2(share / middle) / 2 : 0;
}

std::optional<double> between(const std::optional<drift::FeatureCounts>& a,
                              const std::optional<drift::FeatureCounts>& b) {
  if (!a || !b || a->bins.size() != b->bins.size()) return std::nullopt;
  const auto n = countOf(*a), m = countOf(*b);
  if (n == 0 || m == 0) return std::nullopt;
  double sum = 0;
  for (std::size_t i = 0; i < a->bins.size(); ++i) {
    const double p = static_cast<double>(a->bins[i]) / static_cast<double>(n);
    const double q = static_cast<double>(b->bins[i]) / static_cast<double>(m);
    sum += part(p, (p + q) / 2) + part(q, (p + q) / 2);
  }
  return std::clamp(sum, 0.0, 1.0);
}
}  // namespace

DriftScore::DriftScore(const drift::Basis& basis, drift::Profile reference)
    : reference_(std::move(reference)) {
  for (const auto& feature : basis.features()) {
    if (names_.size() < kMaxFeatureSeries) names_.push_back(feature.name);
  }
}

void DriftScore::add(const drift::Profile& window) {
  std::lock_guard lock(mutex_);
  if (!pieces_.empty() && pieces_.back().rows() < kPieceRows) {
    if (!pieces_.back().merge(window)) return;
  } else {
    pieces_.push_back(window);
  }
  rows_ += window.rows();
  while (rows_ - pieces_.front().rows() >= kScoredRows) {
    rows_ -= pieces_.front().rows();
    pieces_.pop_front();
  }
}

std::optional<DriftScore::Score> DriftScore::score() const {
  drift::Profile live;
  {
    std::lock_guard lock(mutex_);
    if (rows_ < kScoredRows) return std::nullopt;
    for (const auto& piece : pieces_) {
      if (!live.merge(piece)) return std::nullopt;
    }
  }
  const auto apart = drift::distance(reference_, live);
  if (!apart) return std::nullopt;
  Score out{live.rows(),
            apart->effect,
            apart->z,
            between(reference_.predictions(), live.predictions()),
            {}};
  auto features = drift::perFeature(reference_, live);
  std::sort(features.begin(), features.end(),
            [](const auto& a, const auto& b) { return a.feature < b.feature; });
  for (const auto& one : features) {
    const auto at = static_cast<std::size_t>(one.feature);
    if (at < names_.size()) out.features.push_back({names_[at], one.jensenShannon});
  }
  return out;
}

}  // namespace reprise::agent::monitor
