// Profile: what a set of rows looks like, in a bounded number of integers. Adding rows and merging
// profiles are integer additions, so merging is exact: associative, commutative, the same on each
// machine.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "base/result.h"
#include "drift/basis.h"

namespace reprise::drift {

inline constexpr int kProbes = 32;  // random projections of the Fourier vector, for its covariance
inline constexpr int kMaxMomentDim = 64;  // above it a profile keeps no outer products
inline constexpr std::int64_t kMaxRows = std::int64_t{1} << 36;  // no sum overflows below it

struct FeatureCounts {
  std::int64_t missing = 0;  // absent, null, empty; or a text where a number belongs
  std::int64_t nan = 0;
  std::int64_t infinite = 0;       // both signs; they are in the outer bins too
  std::vector<std::int64_t> bins;  // Feature::bins()
  bool operator==(const FeatureCounts&) const = default;
};

class Profile {
 public:
  explicit Profile(const Basis& basis);
  Profile() = default;  // of no basis; merges with anything

  // `basis` must be the one of the constructor; a row of another length is InvalidArgument and
  // changes nothing.
  Expected<void> add(const Basis& basis, const Row& row);
  // What the model answered to a row that was added: at most one a row. Nothing is counted where
  // the basis has no prediction(); InvalidArgument as for add().
  Expected<void> addPrediction(const Basis& basis, const Cell& answer);
  Expected<void> merge(
      const Profile& other);  // of the same basis, else InvalidArgument and nothing changes

  // At most 40 KB for 64 numeric features and 1e6 rows. Parsing never trusts: each count is checked
  // against n, each length against its bound, before anything is allocated.
  nlohmann::json toJson() const;
  static Expected<Profile> fromJson(const nlohmann::json& json);
  static Expected<Profile> parse(std::string_view text, std::size_t maxBytes = 256 * 1024);

  const std::string& basisId() const { return basisId_; }
  std::int64_t rows() const { return rows_; }
  const std::vector<FeatureCounts>& features() const { return features_; }
  // Answers by the basis' prediction(), of rows() rows or fewer: for people, no distance has them
  // in it. Absent where the basis has none, or the profile was written before they were counted.
  const std::optional<FeatureCounts>& predictions() const { return predictions_; }

  // Mean Fourier vector, kFourierDim numbers in [-1, 1] / √128. rows() > 0.
  std::vector<double> fourierMean() const;
  // tr(Σ²) of the Fourier vector's covariance Σ, unbiased for small n (Bai & Saranadasa 1996), from
  // ±1 projections: E[(gᵀΣh)²] = tr(Σ²). Never below tr(Σ)² / kFourierDim, its least possible
  // value. rows() > 3.
  double fourierCovarianceSq() const;
  // Mean (embeddedDim) and covariance (row by row) of the embedded rows; empty covariance above
  // kMaxMomentDim.
  std::vector<double> mean() const;
  std::vector<double> covariance() const;

  bool operator==(const Profile&) const = default;

 private:
  friend struct ProfileDocument;
  std::string basisId_;
  std::int64_t rows_ = 0;
  int dim_ = 0;  // embeddedDim
  std::vector<FeatureCounts> features_;
  std::optional<FeatureCounts> predictions_;
  std::vector<std::int64_t> fourier_;     // kFourierDim, unit 2^-16
  std::vector<std::int64_t> probeSum_;    // kProbes, unit 2^-16
  std::vector<std::int64_t> probeOuter_;  // upper triangle with diagonal, unit 2^-16
  std::vector<std::int64_t> sum_;         // dim, unit 2^-16
  std::vector<std::int64_t>
      outer_;  // upper triangle with diagonal, unit 2^-10; empty above kMaxMomentDim
};

// What ModelVersion.spec.profile holds: a profile and the basis that it is in, so that each version
// can stand alone.
struct ProfileDocument {
  Basis basis;
  Profile profile;
  // Gives the basis a prediction(), fitted from the sample, and the profile the room to count by
  // it: the rows stay as they are.
  Expected<void> fitPredictions(const std::vector<Cell>& sample);
  nlohmann::json toJson() const;  // {"apiVersion": 1, "basis": {…}, "profile": {…}}
  static Expected<ProfileDocument> fromJson(const nlohmann::json& json);
};

}  // namespace reprise::drift
