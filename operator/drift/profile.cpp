#include "drift/profile.h"

#include <algorithm>
#include <cmath>
#include <random>

#include <Eigen/Core>

#include "drift/json_field.h"

namespace reprise::drift {
namespace {

using nlohmann::json;
using Ints = std::vector<std::int64_t>;
using ProbeMatrix = Eigen::Matrix<double, kProbes, kFourierDim>;

constexpr double kUnit = 65536, kOuterUnit = 1024;

constexpr std::size_t triangle(int size) {
  return static_cast<std::size_t>(size) * static_cast<std::size_t>(size + 1) / 2;
}

// The same ±1 for everybody: profiles are added.
const ProbeMatrix& probes() {
  static const ProbeMatrix matrix = [] {
    ProbeMatrix out;
    std::mt19937_64 random(0x7265707269736531);
    for (int i = 0; i < kProbes; ++i) {
      for (int j = 0; j < kFourierDim; ++j) out(i, j) = (random() >> 63) ? 1 : -1;
    }
    return out;
  }();
  return matrix;
}

void addOuter(Ints& outer, const double* values, int size, double unit) {
  std::size_t at = 0;
  for (int i = 0; i < size; ++i) {
    for (int j = i; j < size; ++j) outer[at++] += std::llround(values[i] * values[j] * unit);
  }
}

void addAll(Ints& to, const Ints& from) {
  for (std::size_t i = 0; i < to.size(); ++i) to[i] += from[i];
}

std::int64_t totalOf(const FeatureCounts& counts) {
  std::int64_t sum = counts.missing + counts.nan;  // at most kMaxBins * kMaxRows: no overflow
  for (const auto count : counts.bins) sum += count;
  return sum;
}

void countCell(FeatureCounts& counts, const Feature& feature, const Cell& cell) {
  const auto* number = std::get_if<double>(&cell);
  const int bin = feature.binOf(cell);
  if (bin >= 0) {
    ++counts.bins[static_cast<std::size_t>(bin)];
    if (number && std::isinf(*number)) ++counts.infinite;
  } else {
    ++(number ? counts.nan : counts.missing);
  }
}

void addCounts(FeatureCounts& to, const FeatureCounts& from) {
  to.missing += from.missing;
  to.nan += from.nan;
  to.infinite += from.infinite;
  addAll(to.bins, from.bins);
}

bool sameShape(const std::vector<FeatureCounts>& a, const std::vector<FeatureCounts>& b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [](const auto& x, const auto& y) { return x.bins.size() == y.bins.size(); });
}

Expected<FeatureCounts> countsFromJson(const json& value, const std::string& where,
                                       std::int64_t rows) {
  FeatureCounts out;
  for (auto [name, target] :
       {std::pair{"missing", &out.missing}, {"nan", &out.nan}, {"infinite", &out.infinite}}) {
    const auto field = fieldOf(value, where, name);
    if (!field) return tl::unexpected(field.error());
    const auto number = intOf(**field, where + "." + name, 0, rows);
    if (!number) return tl::unexpected(number.error());
    *target = *number;
  }
  const auto bins = fieldOf(value, where, "bins");
  if (!bins) return tl::unexpected(bins.error());
  if (!(*bins)->is_array() || (*bins)->empty() || (*bins)->size() > kMaxBins) {
    return invalid(where + ".bins: must be an array of 1 to " + std::to_string(kMaxBins) +
                   " counts");
  }
  auto counts = intsOf(**bins, where + ".bins", (*bins)->size(), 0, rows);
  if (!counts) return tl::unexpected(counts.error());
  out.bins = std::move(*counts);
  if (out.infinite > totalOf(out) - out.missing - out.nan)
    return invalid(where + ".infinite: is more than the bins hold");
  return out;
}

json countsToJson(const FeatureCounts& counts) {
  return {{"missing", counts.missing},
          {"nan", counts.nan},
          {"infinite", counts.infinite},
          {"bins", counts.bins}};
}

// No sum is larger than rows times the largest that one row can add.
Expected<Ints> sumsOf(const json& object, const std::string& where, const char* name,
                      std::size_t length, std::int64_t rows, double largest) {
  const auto field = fieldOf(object, where, name);
  if (!field) return tl::unexpected(field.error());
  const std::int64_t bound = rows * static_cast<std::int64_t>(std::ceil(largest) + 1);
  return intsOf(**field, where + "." + name, length, -bound, bound);
}

}  // namespace

Profile::Profile(const Basis& basis) : basisId_(basis.id()), dim_(basis.embeddedDim()) {
  for (const auto& feature : basis.features()) {
    features_.emplace_back().bins.assign(static_cast<std::size_t>(feature.bins()), 0);
  }
  if (const auto* prediction = basis.prediction())
    predictions_.emplace().bins.assign(static_cast<std::size_t>(prediction->bins()), 0);
  fourier_.assign(kFourierDim, 0);
  probeSum_.assign(kProbes, 0);
  probeOuter_.assign(triangle(kProbes), 0);
  sum_.assign(static_cast<std::size_t>(dim_), 0);
  if (dim_ <= kMaxMomentDim) outer_.assign(triangle(dim_), 0);
}

Expected<void> Profile::add(const Basis& basis, const Row& row) {
  if (basis.id() != basisId_)
    return invalid("profile: has the basis " + basisId_ + ", the row has " + basis.id());
  if (row.size() != features_.size()) {
    return invalid("row: has " + std::to_string(row.size()) + " cells, the basis " +
                   std::to_string(features_.size()));
  }
  if (rows_ >= kMaxRows) return invalid("profile: is full");
  for (std::size_t i = 0; i < row.size(); ++i) countCell(features_[i], basis.features()[i], row[i]);
  thread_local std::vector<double> point, wave;
  basis.embed(row, point);
  basis.fourier(point, wave);
  for (std::size_t i = 0; i < wave.size(); ++i) fourier_[i] += std::llround(wave[i] * kUnit);
  const Eigen::Matrix<double, kProbes, 1> seen =
      probes() * Eigen::Map<const Eigen::VectorXd>(wave.data(), kFourierDim);
  for (int i = 0; i < kProbes; ++i)
    probeSum_[static_cast<std::size_t>(i)] += std::llround(seen[i] * kUnit);
  addOuter(probeOuter_, seen.data(), kProbes, kUnit);
  for (std::size_t i = 0; i < point.size(); ++i) sum_[i] += std::llround(point[i] * kUnit);
  if (!outer_.empty()) addOuter(outer_, point.data(), dim_, kOuterUnit);
  ++rows_;
  return {};
}

Expected<void> Profile::addPrediction(const Basis& basis, const Cell& answer) {
  if (basis.id() != basisId_)
    return invalid("profile: has the basis " + basisId_ + ", the answer has " + basis.id());
  if (!predictions_) return {};
  if (totalOf(*predictions_) >= rows_) return invalid("profile: there are more answers than rows");
  countCell(*predictions_, *basis.prediction(), answer);
  return {};
}

Expected<void> Profile::merge(const Profile& other) {
  if (other.basisId_.empty()) return {};
  if (basisId_.empty()) {
    *this = other;
    return {};
  }
  // Two that were read from elsewhere can name the same basis and still differ.
  const bool samePredictions = !predictions_ || !other.predictions_ ||
                               predictions_->bins.size() == other.predictions_->bins.size();
  if (other.basisId_ != basisId_ || other.dim_ != dim_ || !samePredictions ||
      !sameShape(features_, other.features_)) {
    return invalid("profile: of the basis " + other.basisId_ + " cannot be merged into one of " +
                   basisId_);
  }
  if (other.rows_ > kMaxRows - rows_) return invalid("profile.rows: too many");
  rows_ += other.rows_;
  for (std::size_t i = 0; i < features_.size(); ++i) addCounts(features_[i], other.features_[i]);
  if (predictions_ && other.predictions_)
    addCounts(*predictions_, *other.predictions_);
  else if (other.predictions_)
    predictions_ = other.predictions_;
  addAll(fourier_, other.fourier_);
  addAll(probeSum_, other.probeSum_);
  addAll(probeOuter_, other.probeOuter_);
  addAll(sum_, other.sum_);
  addAll(outer_, other.outer_);
  return {};
}

json Profile::toJson() const {
  json features = json::array();
  for (const auto& one : features_) features.push_back(countsToJson(one));
  json out = {{"version", 1},
              {"basis", basisId_},
              {"rows", rows_},
              {"dim", dim_},
              {"features", std::move(features)},
              {"fourier", fourier_},
              {"probes", {{"sum", probeSum_}, {"outer", probeOuter_}}},
              {"moments", {{"sum", sum_}, {"outer", outer_}}}};
  if (predictions_) out["predictions"] = countsToJson(*predictions_);
  return out;
}

Expected<Profile> Profile::parse(std::string_view text, std::size_t maxBytes) {
  if (text.size() > maxBytes) {
    return invalid("profile: has " + std::to_string(text.size()) + " bytes, at most " +
                   std::to_string(maxBytes) + " are read");
  }
  const auto value = json::parse(text, nullptr, false);
  if (value.is_discarded()) return invalid("profile: is not JSON");
  return fromJson(value);
}

Expected<Profile> Profile::fromJson(const json& value) {
  Profile out;
  const auto number = [&](const char* name, std::int64_t least,
                          std::int64_t most) -> Expected<std::int64_t> {
    const auto field = fieldOf(value, "profile", name);
    if (!field) return tl::unexpected(field.error());
    return intOf(**field, std::string("profile.") + name, least, most);
  };
  const auto version = number("version", 1, 1);
  const auto rows = version ? number("rows", 0, kMaxRows) : version;
  const auto dim = rows ? number("dim", 0, kMaxEmbedded) : rows;
  if (!dim) return tl::unexpected(dim.error());
  out.rows_ = *rows;
  out.dim_ = static_cast<int>(*dim);
  const auto basis = fieldOf(value, "profile", "basis");
  if (!basis) return tl::unexpected(basis.error());
  if (!(*basis)->is_string()) return invalid("profile.basis: must be a string");
  out.basisId_ = (*basis)->get<std::string>();
  if (out.basisId_.empty()) {
    if (out.rows_ != 0) return invalid("profile.basis: is empty, but profile.rows is not 0");
    return Profile();
  }
  if (out.basisId_.size() != 16) return invalid("profile.basis: must be 16 hex digits");
  const auto features = fieldOf(value, "profile", "features");
  if (!features) return tl::unexpected(features.error());
  if (!(*features)->is_array() || (*features)->empty() || (*features)->size() > kMaxFeatures) {
    return invalid("profile.features: must be an array of 1 to " + std::to_string(kMaxFeatures) +
                   " features");
  }
  for (std::size_t i = 0; i < (*features)->size(); ++i) {
    const std::string where = "profile.features[" + std::to_string(i) + "]";
    auto counts = countsFromJson((**features)[i], where, out.rows_);
    if (!counts) return tl::unexpected(counts.error());
    if (totalOf(*counts) != out.rows_) {
      return invalid(where + ": bins, missing and nan must add up to rows, " +
                     std::to_string(out.rows_));
    }
    out.features_.push_back(std::move(*counts));
  }
  if (const auto predictions = value.find("predictions"); predictions != value.end()) {
    auto counts = countsFromJson(*predictions, "profile.predictions", out.rows_);
    if (!counts) return tl::unexpected(counts.error());
    if (totalOf(*counts) > out.rows_)
      return invalid("profile.predictions: bins, missing and nan are more than rows");
    out.predictions_ = std::move(*counts);
  }
  const auto probe = fieldOf(value, "profile", "probes");
  const auto moments = probe ? fieldOf(value, "profile", "moments") : probe;
  if (!moments) return tl::unexpected(moments.error());
  struct Part {
    Ints* target;
    const json* object;
    const char *where, *name;
    std::size_t length;
    double largest;
  };
  const std::size_t outer = out.dim_ <= kMaxMomentDim ? triangle(out.dim_) : 0;
  const Part parts[] = {
      {&out.fourier_, &value, "profile", "fourier", kFourierDim, kUnit / std::sqrt(128.0)},
      {&out.probeSum_, *probe, "profile.probes", "sum", kProbes, 16 * kUnit},
      {&out.probeOuter_, *probe, "profile.probes", "outer", triangle(kProbes), 256 * kUnit},
      {&out.sum_, *moments, "profile.moments", "sum", static_cast<std::size_t>(out.dim_),
       17 * kUnit},
      {&out.outer_, *moments, "profile.moments", "outer", outer, 289 * kOuterUnit}};
  for (const auto& part : parts) {
    auto sums = sumsOf(*part.object, part.where, part.name, part.length, out.rows_, part.largest);
    if (!sums) return tl::unexpected(sums.error());
    *part.target = std::move(*sums);
  }
  return out;
}

std::vector<double> Profile::fourierMean() const {
  std::vector<double> out(kFourierDim, 0.0);
  if (rows_ == 0) return out;
  const double unit = 1 / (kUnit * static_cast<double>(rows_));
  for (std::size_t i = 0; i < fourier_.size(); ++i)
    out[i] = static_cast<double>(fourier_[i]) * unit;
  return out;
}

double Profile::fourierCovarianceSq() const {
  if (rows_ < 4) return 1;
  const auto n = static_cast<double>(rows_);
  std::array<double, kProbes> means{};
  for (std::size_t i = 0; i < kProbes; ++i)
    means[i] = static_cast<double>(probeSum_[i]) / kUnit / n;
  double pairs = 0;
  std::size_t at = 0;
  for (std::size_t i = 0; i < kProbes; ++i) {
    ++at;  // the diagonal
    for (std::size_t j = i + 1; j < kProbes; ++j, ++at) {
      const double covariance =
          static_cast<double>(probeOuter_[at]) * (1 / kUnit) - n * means[i] * means[j];
      pairs += covariance * covariance;
    }
  }
  const double square = pairs / ((n - 1) * (n - 1)) / (kProbes * (kProbes - 1) / 2.0);
  double norm = 0;
  for (const auto sum : fourier_) norm += static_cast<double>(sum) * static_cast<double>(sum);
  norm /= kUnit * kUnit * n * n;
  const double trace =
      std::max(0.0, (1 - norm) * n / (n - 1));  // |phi| = 1, so the trace needs no probes
  const double unbiased =
      (n - 1) * (n - 1) / ((n + 1) * (n - 2)) * (square - trace * trace / (n - 1));
  return std::max(unbiased, trace * trace / kFourierDim);
}

std::vector<double> Profile::mean() const {
  std::vector<double> out(sum_.size(), 0.0);
  if (rows_ == 0) return out;
  for (std::size_t i = 0; i < sum_.size(); ++i)
    out[i] = static_cast<double>(sum_[i]) / kUnit / static_cast<double>(rows_);
  return out;
}

std::vector<double> Profile::covariance() const {
  if (outer_.empty() || rows_ < 2) return {};
  const auto center = mean();
  const std::size_t dim = sum_.size();
  const auto n = static_cast<double>(rows_);
  std::vector<double> out(dim * dim);
  std::size_t at = 0;
  for (std::size_t i = 0; i < dim; ++i) {
    for (std::size_t j = i; j < dim; ++j, ++at) {
      const double value =
          (static_cast<double>(outer_[at]) / kOuterUnit - n * center[i] * center[j]) / (n - 1);
      out[i * dim + j] = out[j * dim + i] = value;
    }
  }
  return out;
}

Expected<void> ProfileDocument::fitPredictions(const std::vector<Cell>& sample) {
  auto with = basis.withPrediction(sample);
  if (!with) return tl::unexpected(with.error());
  // The features are the same, so all that was summed over them stays true.
  profile.basisId_ = with->id();
  profile.predictions_.emplace().bins.assign(static_cast<std::size_t>(with->prediction()->bins()),
                                             0);
  basis = std::move(*with);
  return {};
}

json ProfileDocument::toJson() const {
  return {{"apiVersion", 1}, {"basis", basis.toJson()}, {"profile", profile.toJson()}};
}

Expected<ProfileDocument> ProfileDocument::fromJson(const json& value) {
  const auto version = fieldOf(value, "profile document", "apiVersion");
  if (!version) return tl::unexpected(version.error());
  if (!intOf(**version, "apiVersion", 1, 1))
    return invalid("apiVersion: only 1 is known; a newer Reprise wrote this");
  const auto basisField = fieldOf(value, "profile document", "basis");
  if (!basisField) return tl::unexpected(basisField.error());
  const auto profileField = fieldOf(value, "profile document", "profile");
  if (!profileField) return tl::unexpected(profileField.error());
  auto basis = Basis::fromJson(**basisField);
  if (!basis) return tl::unexpected(basis.error());
  auto profile = Profile::fromJson(**profileField);
  if (!profile) return tl::unexpected(profile.error());
  Profile shape(*basis);
  if (profile->basisId() != basis->id() || !shape.merge(*profile) ||
      (profile->predictions() && !basis->prediction())) {
    return invalid("profile.basis: the profile is not of the basis beside it");
  }
  return ProfileDocument{std::move(*basis), std::move(*profile)};
}

}  // namespace reprise::drift
