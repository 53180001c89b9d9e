// How far the newest live rows are from the data that the served version was trained on, for people
// who look at /metrics. The decision is the operator's, which sees all Pods. Thread-safe; keeps
// about kScoredRows rows' windows, joined.
#pragma once

#include <cstdint>
#include <deque>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "drift/profile.h"

namespace reprise::agent::monitor {

inline constexpr std::int64_t kScoredRows = 200;      // at least; fewer say too little
inline constexpr std::size_t kMaxFeatureSeries = 64;  // the first ones of the basis

class DriftScore {
 public:
  DriftScore(const drift::Basis& basis, drift::Profile reference);

  // A window of the same basis that was closed.
  void add(const drift::Profile& window);

  struct Score {
    std::int64_t rows = 0;
    double effect = 0;  // 0 … 1, see drift::Distance
    double z = 0;       // standard deviations of the null distribution
    struct Feature {
      std::string name;
      double jensenShannon = 0;  // base 2, 0 … 1
    };
    // Of the model's answers, as of a feature; absent where either side has none.
    std::optional<double> predictions;
    std::vector<Feature> features;  // at most kMaxFeatureSeries, in the basis' order
  };
  // Nothing before there are kScoredRows.
  std::optional<Score> score() const;

 private:
  std::vector<std::string> names_;
  const drift::Profile reference_;
  mutable std::mutex mutex_;
  std::deque<drift::Profile> pieces_;  // oldest first
  std::int64_t rows_ = 0;
};

}  // namespace reprise::agent::monitor
