#include "drift/basis.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <map>
#include <numbers>
#include <random>
#include <set>

#include <Eigen/Core>

#include "base/digest.h"
#include "drift/json_field.h"

namespace reprise::drift {
namespace {

using nlohmann::json;

constexpr std::int64_t kMaxSeed = std::int64_t{1} << 53;  // an integer that every JSON reader keeps
constexpr std::size_t kMaxNameBytes = 256;
constexpr double kLinear = 3, kFarthest = 17;
constexpr double kMissingPlace = -5;  // a scaled number that present values rarely take

double squash(double scaled) {
  const double size = std::abs(scaled);
  if (size <= kLinear) return scaled;
  return std::copysign(std::min(kFarthest, kLinear + std::log1p(size - kLinear)), scaled);
}

std::string textOf(double number) {
  char out[40];
  const auto end = std::to_chars(out, out + sizeof out, number).ptr;
  return std::string(out, end);
}

int categoryOf(const Feature& feature, const std::string& text) {
  const auto it = std::find(feature.categories.begin(), feature.categories.end(), text);
  return static_cast<int>(it - feature.categories.begin());
}

// The writer of JSON throws at text that is not UTF-8, so nothing else gets in.
bool isUtf8(const std::string& text) {
  try {
    (void)json(text).dump();
    return true;
  } catch (const json::exception&) {
    return false;
  }
}

// std::normal_distribution differs between standard libraries; a basis must be the same everywhere.
class Normal {
 public:
  explicit Normal(std::uint64_t seed) : random_(seed) {}
  double operator()() {
    const double u = uniform(), v = uniform();
    return std::sqrt(-2 * std::log(u)) * std::cos(2 * std::numbers::pi * v);
  }

 private:
  double uniform() { return (static_cast<double>(random_() >> 11) + 0.5) * 0x1p-53; }  // in (0, 1)
  std::mt19937_64 random_;
};

double quantile(const std::vector<double>& sorted, double share) {
  const double at = share * static_cast<double>(sorted.size() - 1);
  const auto low = static_cast<std::size_t>(at);
  const auto high = std::min(low + 1, sorted.size() - 1);
  const double part = at - static_cast<double>(low);
  return sorted[low] * (1 - part) + sorted[high] * part;
}

void fitNumeric(Feature& feature, std::vector<double> values, int bins) {
  if (values.empty()) return;
  std::sort(values.begin(), values.end());
  const double low = quantile(values, 0.01), high = quantile(values, 0.99);
  long double sum = 0, squares = 0;  // its range takes the sum of any doubles
  for (const double value : values) sum += std::clamp(value, low, high);
  const long double mean = sum / static_cast<long double>(values.size());
  for (const double value : values) {
    const long double away = std::clamp(value, low, high) - mean;
    squares += away * away;
  }
  const auto deviation =
      static_cast<double>(std::sqrt(squares / static_cast<long double>(values.size())));
  feature.location = static_cast<double>(mean) + 0.0;
  // A constant has no scale of its own: a tenth of its size, so that a change of it shows in any
  // unit.
  feature.scale = std::abs(feature.location) > 1e-300 ? std::abs(feature.location) / 10 : 1;
  if (deviation > 1e-12 * std::abs(feature.location) && deviation > 1e-300)
    feature.scale = deviation;
  for (int i = 1; i < bins; ++i) {
    const double edge = quantile(values, static_cast<double>(i) / bins) + 0.0;
    if (feature.edges.empty() || edge > feature.edges.back()) feature.edges.push_back(edge);
  }
}

void fitCategorical(Feature& feature, const std::vector<Row>& rows, std::size_t column, int keep) {
  std::map<std::string, std::int64_t> counts;
  for (const auto& row : rows) {
    if (const auto* text = std::get_if<std::string>(&row[column])) {
      ++counts[*text];
    } else if (const auto* number = std::get_if<double>(&row[column]);
               number && !std::isnan(*number)) {
      ++counts[textOf(*number)];
    }
  }
  std::vector<std::pair<std::int64_t, std::string>> order;
  for (const auto& [text, count] : counts) {
    if (text.size() <= kMaxNameBytes && isUtf8(text)) order.emplace_back(-count, text);
  }
  std::sort(order.begin(), order.end());
  for (const auto& [count, text] : order) {
    if (static_cast<int>(feature.categories.size()) == keep) break;
    feature.categories.push_back(text);
  }
}

Feature fitFeature(const std::string& name, const std::vector<Row>& rows, std::size_t column,
                   const FitOptions& options) {
  Feature feature;
  feature.name = name;
  std::vector<double> values;
  for (const auto& row : rows) {
    if (std::holds_alternative<std::string>(row[column])) feature.type = FeatureType::Categorical;
    const auto* number = std::get_if<double>(&row[column]);
    if (number && std::isfinite(*number)) values.push_back(*number);
  }
  if (feature.type == FeatureType::Categorical) {
    fitCategorical(feature, rows, column, options.categories);
  } else {
    fitNumeric(feature, std::move(values), options.bins);
  }
  return feature;
}

// Classes are often numbered: few whole numbers are taken for names.
bool areClasses(const std::vector<Cell>& answers) {
  std::set<double> values;
  for (const auto& cell : answers) {
    if (std::holds_alternative<std::string>(cell)) return true;
    const auto* number = std::get_if<double>(&cell);
    if (!number) continue;
    if (*number != std::floor(*number) || !std::isfinite(*number)) return false;
    values.insert(*number);
    if (values.size() > kMaxCategories) return false;
  }
  return true;
}

Feature fitPrediction(const std::vector<Cell>& answers) {
  std::vector<Row> rows;
  rows.reserve(answers.size());
  for (const auto& cell : answers) rows.push_back({cell});
  FitOptions options;
  options.categories = kMaxCategories;
  if (!areClasses(answers)) return fitFeature("prediction", rows, 0, options);
  Feature feature;
  feature.name = "prediction";
  feature.type = FeatureType::Categorical;
  fitCategorical(feature, rows, 0, options.categories);
  return feature;
}

// Median distance of at most 5,000 pairs of at most 500 rows, spread over the sample.
double medianDistance(const Basis& basis, const std::vector<Row>& rows) {
  const std::size_t count = std::min<std::size_t>(rows.size(), 500);
  std::vector<Eigen::VectorXd> points;
  std::vector<double> point;
  for (std::size_t i = 0; i < count; ++i) {
    basis.embed(rows[i * rows.size() / count], point);
    points.emplace_back(
        Eigen::Map<const Eigen::VectorXd>(point.data(), static_cast<Eigen::Index>(point.size())));
  }
  std::vector<double> distances;
  const std::size_t step = std::max<std::size_t>(1, count * (count - 1) / 2 / 5000);
  std::size_t pair = 0;
  for (std::size_t i = 0; i < count; ++i) {
    for (std::size_t j = 0; j < i; ++j) {
      if (pair++ % step == 0) distances.push_back((points[i] - points[j]).norm());
    }
  }
  std::sort(distances.begin(), distances.end());
  const double median = distances[distances.size() / 2];
  if (median > 1e-6) return median;
  // More than half of the rows are the same: the distance of those that are not, or any.
  const auto apart = std::upper_bound(distances.begin(), distances.end(), 1e-6);
  return apart == distances.end() ? 1 : *(apart + (distances.end() - apart) / 2);
}

Expected<Feature> featureFromJson(const json& value, const std::string& where) {
  Feature feature;
  const auto name = fieldOf(value, where, "name");
  if (!name) return tl::unexpected(name.error());
  if (!(*name)->is_string()) return invalid(where + ".name: must be a string");
  feature.name = (*name)->get<std::string>();
  const auto type = fieldOf(value, where, "type");
  if (!type) return tl::unexpected(type.error());
  if (**type == "categorical") {
    feature.type = FeatureType::Categorical;
    const auto list = fieldOf(value, where, "categories");
    if (!list) return tl::unexpected(list.error());
    if (!(*list)->is_array() || (*list)->size() > kMaxCategories) {
      return invalid(where + ".categories: must be an array of at most " +
                     std::to_string(kMaxCategories) + " strings");
    }
    for (const auto& entry : **list) {
      if (!entry.is_string()) return invalid(where + ".categories: must be strings");
      feature.categories.push_back(entry.get<std::string>());
    }
    return feature;
  }
  if (**type != "numeric") return invalid(where + ".type: must be \"numeric\" or \"categorical\"");
  for (auto [field, target] :
       {std::pair{"location", &feature.location}, {"scale", &feature.scale}}) {
    const auto found = fieldOf(value, where, field);
    if (!found) return tl::unexpected(found.error());
    const auto number = finiteOf(**found, where + "." + field);
    if (!number) return tl::unexpected(number.error());
    *target = *number;
  }
  const auto list = fieldOf(value, where, "edges");
  if (!list) return tl::unexpected(list.error());
  if (!(*list)->is_array() || (*list)->size() >= kMaxBins) {
    return invalid(where + ".edges: must be an array of at most " + std::to_string(kMaxBins - 1) +
                   " numbers");
  }
  for (const auto& entry : **list) {
    const auto number = finiteOf(entry, where + ".edges");
    if (!number) return tl::unexpected(number.error());
    feature.edges.push_back(*number);
  }
  return feature;
}

json featureToJson(const Feature& feature) {
  if (feature.type == FeatureType::Categorical) {
    return {{"name", feature.name}, {"type", "categorical"}, {"categories", feature.categories}};
  }
  return {{"name", feature.name},
          {"type", "numeric"},
          {"location", feature.location},
          {"scale", feature.scale},
          {"edges", feature.edges}};
}

Expected<void> check(const Feature& feature, const std::string& where) {
  if (feature.name.empty() || feature.name.size() > kMaxNameBytes || !isUtf8(feature.name)) {
    return invalid(where + ".name: must be 1 to " + std::to_string(kMaxNameBytes) +
                   " bytes of UTF-8");
  }
  if (!(feature.scale > 0)) return invalid(where + ".scale: must be above 0");
  for (std::size_t i = 1; i < feature.edges.size(); ++i) {
    if (!(feature.edges[i - 1] < feature.edges[i])) return invalid(where + ".edges: must ascend");
  }
  std::set<std::string> seen;
  for (const auto& category : feature.categories) {
    if (category.size() > kMaxNameBytes || !isUtf8(category) || !seen.insert(category).second) {
      return invalid(where + ".categories: must be different and at most " +
                     std::to_string(kMaxNameBytes) + " bytes of UTF-8");
    }
  }
  return {};
}

}  // namespace

int Feature::binOf(const Cell& cell) const {
  const auto* number = std::get_if<double>(&cell);
  if (number && std::isnan(*number)) return -1;
  if (type == FeatureType::Numeric) {
    if (!number) return -1;
    return static_cast<int>(std::upper_bound(edges.begin(), edges.end(), *number) - edges.begin());
  }
  if (number) return categoryOf(*this, textOf(*number));
  const auto* text = std::get_if<std::string>(&cell);
  return text ? categoryOf(*this, *text) : -1;
}

Expected<Basis> Basis::fit(const std::vector<std::string>& names, const std::vector<Row>& rows,
                           const FitOptions& options) {
  if (options.bins < 2 || options.bins > kMaxBins)
    return invalid("bins: must be 2 to " + std::to_string(kMaxBins));
  if (options.categories < 1 || options.categories > kMaxCategories) {
    return invalid("categories: must be 1 to " + std::to_string(kMaxCategories));
  }
  if (options.seed > static_cast<std::uint64_t>(kMaxSeed))
    return invalid("seed: must be at most 2^53");
  if (rows.size() < 2)
    return invalid("rows: a basis needs at least 2 rows, got " + std::to_string(rows.size()));
  if (names.size() > kMaxFeatures) {
    return invalid("columns: at most " + std::to_string(kMaxFeatures) + " are profiled, got " +
                   std::to_string(names.size()) + ": leave some out, or project them first");
  }
  for (std::size_t i = 0; i < rows.size(); ++i) {
    if (rows[i].size() != names.size()) {
      return invalid("rows[" + std::to_string(i) + "]: has " + std::to_string(rows[i].size()) +
                     " cells, not " + std::to_string(names.size()));
    }
  }
  Basis out;
  out.seed_ = options.seed;
  for (std::size_t i = 0; i < names.size(); ++i)
    out.features_.push_back(fitFeature(names[i], rows, i, options));
  if (auto good = out.finish(); !good) return tl::unexpected(good.error());
  out.bandwidth_ = medianDistance(out, rows);
  if (auto good = out.finish(); !good) return tl::unexpected(good.error());
  return out;
}

Expected<Basis> Basis::withPrediction(const std::vector<Cell>& answers) const {
  const bool any = std::any_of(answers.begin(), answers.end(),
                               [](const Cell& cell) { return cell.index() != 0; });
  if (!any) return invalid("predictions: there is none");
  Basis out = *this;
  out.prediction_ = fitPrediction(answers);
  if (auto good = out.finish(); !good) return tl::unexpected(good.error());
  return out;
}

Expected<void> Basis::finish() {
  if (features_.empty()) return invalid("basis.features: must not be empty");
  std::set<std::string> names;
  std::int64_t dim = 0;
  for (std::size_t i = 0; i < features_.size(); ++i) {
    const std::string where = "basis.features[" + std::to_string(i) + "]";
    if (auto good = check(features_[i], where); !good) return good;
    if (!names.insert(features_[i].name).second) {
      return invalid(where + ".name: '" + features_[i].name + "' is there twice");
    }
    dim += features_[i].type == FeatureType::Numeric ? 1 : features_[i].bins();
  }
  if (prediction_) {
    if (auto good = check(*prediction_, "basis.prediction"); !good) return good;
  }
  if (dim > kMaxEmbedded) {
    return invalid("basis.features: numbers and categories make " + std::to_string(dim) +
                   " columns, at most " + std::to_string(kMaxEmbedded) +
                   " are taken: keep fewer categories");
  }
  if (!(bandwidth_ > 0) || !std::isfinite(bandwidth_))
    return invalid("basis.bandwidth: must be above 0");
  embeddedDim_ = static_cast<int>(dim);
  Normal normal(seed_);
  std::vector<float> frequencies(static_cast<std::size_t>(kFourierDim / 2 * dim));
  for (auto& one : frequencies) one = static_cast<float>(normal() / bandwidth_);
  frequencies_ = std::make_shared<const std::vector<float>>(std::move(frequencies));
  json content = toJson();
  content.erase("id");
  id_ = sha256Hex(content.dump()).substr(0, 16);
  return {};
}

json Basis::toJson() const {
  json features = json::array();
  for (const auto& feature : features_) features.push_back(featureToJson(feature));
  json out = {{"version", 1},
              {"id", id_},
              {"seed", seed_},
              {"bandwidth", bandwidth_},
              {"features", std::move(features)}};
  if (prediction_) out["prediction"] = featureToJson(*prediction_);
  return out;
}

Expected<Basis> Basis::fromJson(const json& value) {
  Basis out;
  const auto version = fieldOf(value, "basis", "version");
  if (!version) return tl::unexpected(version.error());
  if (!intOf(**version, "basis.version", 1, 1)) {
    return invalid("basis.version: only 1 is known; a newer Reprise wrote this");
  }
  const auto seed = fieldOf(value, "basis", "seed");
  if (!seed) return tl::unexpected(seed.error());
  const auto seedValue = intOf(**seed, "basis.seed", 0, kMaxSeed);
  if (!seedValue) return tl::unexpected(seedValue.error());
  out.seed_ = static_cast<std::uint64_t>(*seedValue);
  const auto bandwidth = fieldOf(value, "basis", "bandwidth");
  if (!bandwidth) return tl::unexpected(bandwidth.error());
  const auto width = finiteOf(**bandwidth, "basis.bandwidth");
  if (!width) return tl::unexpected(width.error());
  out.bandwidth_ = *width;
  const auto features = fieldOf(value, "basis", "features");
  if (!features) return tl::unexpected(features.error());
  if (!(*features)->is_array() || (*features)->empty() || (*features)->size() > kMaxFeatures) {
    return invalid("basis.features: must be an array of 1 to " + std::to_string(kMaxFeatures) +
                   " features");
  }
  for (std::size_t i = 0; i < (*features)->size(); ++i) {
    auto feature = featureFromJson((**features)[i], "basis.features[" + std::to_string(i) + "]");
    if (!feature) return tl::unexpected(feature.error());
    out.features_.push_back(std::move(*feature));
  }
  // A basis of before predictions were counted has none.
  if (const auto prediction = value.find("prediction"); prediction != value.end()) {
    auto feature = featureFromJson(*prediction, "basis.prediction");
    if (!feature) return tl::unexpected(feature.error());
    out.prediction_ = std::move(*feature);
  }
  if (auto good = out.finish(); !good) return tl::unexpected(good.error());
  const auto id = fieldOf(value, "basis", "id");
  if (!id) return tl::unexpected(id.error());
  if (**id != out.id_)
    return invalid("basis.id: is not the digest of its content: it was changed by hand or cut");
  return out;
}

int Basis::indexOf(const std::string& name) const {
  for (std::size_t i = 0; i < features_.size(); ++i) {
    if (features_[i].name == name) return static_cast<int>(i);
  }
  return -1;
}

void Basis::embed(const Row& row, std::vector<double>& out) const {
  out.assign(static_cast<std::size_t>(embeddedDim_), 0.0);
  std::size_t at = 0;
  for (std::size_t i = 0; i < features_.size(); ++i) {
    const auto& feature = features_[i];
    const Cell& cell = i < row.size() ? row[i] : Cell{};
    if (feature.type == FeatureType::Numeric) {
      const auto* number = std::get_if<double>(&cell);
      const bool there = number && !std::isnan(*number);
      out[at++] = there ? squash((*number - feature.location) / feature.scale) : kMissingPlace;
      continue;
    }
    // Two categories are √2 apart, as two numbers of the same feature are on average.
    if (const int bin = feature.binOf(cell); bin >= 0) out[at + static_cast<std::size_t>(bin)] = 1;
    at += static_cast<std::size_t>(feature.bins());
  }
}

void Basis::fourier(const std::vector<double>& embedded, std::vector<double>& out) const {
  using Frequencies = Eigen::Matrix<float, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
  constexpr int kHalf = kFourierDim / 2;
  const Eigen::Map<const Frequencies> frequencies(frequencies_->data(), kHalf, embeddedDim_);
  const Eigen::Map<const Eigen::VectorXd> point(embedded.data(), embeddedDim_);
  const Eigen::VectorXf phase = frequencies * point.cast<float>();
  const double size = 1 / std::sqrt(static_cast<double>(kHalf));
  out.resize(kFourierDim);
  for (int i = 0; i < kHalf; ++i) {
    out[static_cast<std::size_t>(i)] = size * std::cos(static_cast<double>(phase[i]));
    out[static_cast<std::size_t>(i + kHalf)] = size * std::sin(static_cast<double>(phase[i]));
  }
}

}  // namespace reprise::drift
