// Basis: what makes two profiles comparable. The first version of a model fixes it from its
// training rows and every later version carries it on unchanged. Another schema is another basis,
// with another id.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "base/result.h"
#include "drift/row.h"

namespace reprise::drift {

inline constexpr int kFourierDim = 256;    // 128 frequencies, a cosine and a sine each
inline constexpr int kMaxFeatures = 512;   // columns; more: project them before they reach us
inline constexpr int kMaxBins = 32;        // bins of one histogram
inline constexpr int kMaxCategories = 31;  // categories kept by name; the others count as "other"
inline constexpr int kMaxEmbedded = 4096;  // numeric features + one-hot columns

enum class FeatureType { Numeric, Categorical };

struct Feature {
  std::string name;
  FeatureType type = FeatureType::Numeric;
  // Numeric: value → (value - location) / scale, both in the feature's own unit; scale > 0.
  double location = 0;
  double scale = 1;
  std::vector<double> edges;  // numeric: inner edges, ascending; bins = edges.size() + 1
  std::vector<std::string>
      categories;  // categorical: the most frequent first; one bin more for "other"

  int bins() const {
    return static_cast<int>(type == FeatureType::Numeric ? edges.size() : categories.size()) + 1;
  }
  int binOf(const Cell& cell)
      const;  // -1: missing, NaN or of the wrong type; infinities are in the outer bins
};

struct FitOptions {
  std::uint64_t seed =
      20240229;         // of the Fourier frequencies; any number, the same for all versions
  int bins = 16;        // a histogram, 2 … kMaxBins
  int categories = 15;  // kept by name, 1 … kMaxCategories
};

class Basis {
 public:
  // Location and scale are mean and standard deviation after winsorizing at the 1st and 99th
  // percentile; edges are quantiles; the bandwidth is the median distance of pairs of rows (the
  // median heuristic, Gretton et al. 2012, section 8) in the scaled space. A column is numeric if
  // each value that is present is a number. `rows` ≥ 2, each as long as `names`; names must be
  // unique and not empty. Use a bounded sample (10,000 rows do).
  static Expected<Basis> fit(const std::vector<std::string>& names, const std::vector<Row>& rows,
                             const FitOptions& options = {});
  // Never trusts its input: unknown version, wrong sizes, unsorted edges, … are InvalidArgument
  // with the field's name.
  static Expected<Basis> fromJson(const nlohmann::json& json);
  nlohmann::json toJson() const;

  const std::string& id() const { return id_; }  // 16 hex digits: SHA-256 of the content
  const std::vector<Feature>& features() const { return features_; }
  int indexOf(const std::string& name) const;  // -1: no such feature
  // How the model's answers are counted: by classes, or by edges of numbers. Null: they are not.
  const Feature* prediction() const { return prediction_ ? &*prediction_ : nullptr; }
  // The same with a prediction(), which makes it another basis, with another id. `answers`: a
  // bounded sample. Whole numbers of at most kMaxCategories values, and texts, are classes; the
  // most frequent kMaxCategories count by name. InvalidArgument where no answer is there.
  Expected<Basis> withPrediction(const std::vector<Cell>& answers) const;
  double bandwidth() const { return bandwidth_; }  // in scaled units, > 0
  int embeddedDim() const { return embeddedDim_; }

  // A row as a point: scaled numbers (beyond ±3 the scale turns logarithmic, so that one odd value
  // cannot drown the rest and far values still differ; at most ±17), one-hot categories; missing
  // has its own place. `out` gets embeddedDim() finite numbers.
  void embed(const Row& row, std::vector<double>& out) const;
  // Random Fourier features (Rahimi & Recht 2007) with cosine and sine of each frequency
  // (Sutherland & Schneider 2015: less variance for a Gaussian kernel): phi · phi' ≈ exp(-|x - x'|²
  // / 2σ²), |phi| = 1. kFourierDim numbers.
  void fourier(const std::vector<double>& embedded, std::vector<double>& out) const;

 private:
  Basis() = default;
  Expected<void> finish();  // checks, id, frequencies

  std::string id_;
  std::vector<Feature> features_;
  std::optional<Feature> prediction_;
  std::uint64_t seed_ = 0;
  double bandwidth_ = 1;
  int embeddedDim_ = 0;
  std::shared_ptr<const std::vector<float>>
      frequencies_;  // [kFourierDim / 2][embeddedDim], row by row
};

}  // namespace reprise::drift
