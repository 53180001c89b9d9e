#include "drift/forest.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <random>
#include <set>

#include "drift/json_field.h"

namespace reprise::drift {
namespace {

constexpr std::size_t kMaxNumberClasses = 20, kLeastRows = 10;
constexpr int kThresholds = 12;  // tried for one feature of one node

bool known(const Cell& label) {
  const auto* number = std::get_if<double>(&label);
  return std::holds_alternative<std::string>(label) || (number && std::isfinite(*number));
}

std::vector<std::string> classesOf(const std::vector<Cell>& labels) {
  std::set<std::string> out;
  bool text = false, whole = true;
  for (const auto& label : labels) {
    if (!known(label)) continue;
    const auto* number = std::get_if<double>(&label);
    text = text || !number;
    whole = whole && (!number || *number == std::floor(*number));
    out.insert(labelText(label));
    if (!text && (!whole || out.size() > kMaxNumberClasses)) return {};
  }
  return {out.begin(), out.end()};
}

}  // namespace

std::string labelText(const Cell& label) {
  if (const auto* text = std::get_if<std::string>(&label)) return *text;
  const auto* number = std::get_if<double>(&label);
  if (!number) return {};
  if (*number == std::floor(*number) && std::abs(*number) < 1e15)
    return std::to_string(static_cast<long long>(*number));
  return std::to_string(*number);
}

struct Forest::Sample {
  std::size_t dim = 0;
  std::vector<float> points;
  std::vector<double> targets;
  std::size_t classes = 0;  // 0: numbers
  float at(int row, int feature) const {
    return points[static_cast<std::size_t>(row) * dim + static_cast<std::size_t>(feature)];
  }
  double target(int row) const { return targets[static_cast<std::size_t>(row)]; }

  // Gini impurity or variance, times the rows.
  struct Sums {
    std::vector<double> counts;
    double n = 0, sum = 0, sumSq = 0;
    double impurity() const {
      if (n <= 0) return 0;
      if (counts.empty()) return std::max(0.0, sumSq - sum * sum / n);
      double squares = 0;
      for (const double count : counts) squares += count * count;
      return n - squares / n;
    }
  };
  void add(Sums& sums, int row, double weight) const {
    sums.n += weight;
    if (classes > 0) {
      sums.counts[static_cast<std::size_t>(target(row))] += weight;
      return;
    }
    sums.sum += weight * target(row);
    sums.sumSq += weight * target(row) * target(row);
  }
  Sums sums() const { return {std::vector<double>(classes, 0.0)}; }
};

double Forest::leafValue(const Sample& sample, const std::vector<int>& rows) {
  auto sums = sample.sums();
  for (const int row : rows) sample.add(sums, row, 1);
  if (sample.classes == 0) return sums.sum / std::max(1.0, sums.n);
  return static_cast<double>(std::max_element(sums.counts.begin(), sums.counts.end()) -
                             sums.counts.begin());
}

Forest::Tree Forest::grow(const Sample& sample, std::vector<int> rows, const ForestOptions& options,
                          std::uint64_t seed) {
  struct Work {
    int node, depth;
    std::vector<int> rows;
  };
  std::mt19937_64 random(seed);
  Tree tree(1);
  std::vector<Work> open;
  open.push_back({0, 0, std::move(rows)});
  const int dim = static_cast<int>(sample.dim);
  const int tried = std::max(1, std::min(dim, static_cast<int>(std::sqrt(dim)) + 1));
  const auto least = static_cast<std::size_t>(2 * options.minLeaf);
  while (!open.empty()) {
    Work work = std::move(open.back());
    open.pop_back();
    tree[static_cast<std::size_t>(work.node)].value = leafValue(sample, work.rows);
    auto all = sample.sums();
    for (const int row : work.rows) sample.add(all, row, 1);
    const double before = all.impurity();
    if (work.depth >= options.maxDepth || work.rows.size() < least || before <= 1e-12) continue;
    double best = before - 1e-9;
    int feature = -1;
    float threshold = 0;
    for (int i = 0; i < tried; ++i) {
      const int f = static_cast<int>(random() % static_cast<std::uint64_t>(dim));
      for (int t = 0; t < kThresholds; ++t) {
        const float a = sample.at(work.rows[random() % work.rows.size()], f);
        const float b = sample.at(work.rows[random() % work.rows.size()], f);
        const float middle = a == b ? a : (a + b) / 2;
        auto left = sample.sums(), right = sample.sums();
        for (const int row : work.rows)
          sample.add(sample.at(row, f) <= middle ? left : right, row, 1);
        if (std::min(left.n, right.n) < options.minLeaf) continue;
        const double impurity = left.impurity() + right.impurity();
        if (impurity >= best) continue;
        best = impurity;
        feature = f;
        threshold = middle;
      }
    }
    if (feature < 0) continue;
    Work left{static_cast<int>(tree.size()), work.depth + 1, {}};
    Work right{static_cast<int>(tree.size()) + 1, work.depth + 1, {}};
    for (const int row : work.rows)
      (sample.at(row, feature) <= threshold ? left : right).rows.push_back(row);
    auto& node = tree[static_cast<std::size_t>(work.node)];
    node.feature = feature;
    node.threshold = threshold;
    node.left = left.node;
    node.right = right.node;
    tree.resize(tree.size() + 2);
    open.push_back(std::move(left));
    open.push_back(std::move(right));
  }
  return tree;
}

double Forest::ask(const Tree& tree, const float* point) {
  std::size_t at = 0;
  while (tree[at].feature >= 0) {
    at = static_cast<std::size_t>(point[tree[at].feature] <= tree[at].threshold ? tree[at].left
                                                                                : tree[at].right);
  }
  return tree[at].value;
}

// The class with most votes, the first of them on a tie; the mean of numbers.
double Forest::combine(const std::vector<double>& votes) const {
  if (classes_.empty()) {
    return std::accumulate(votes.begin(), votes.end(), 0.0) /
           static_cast<double>(std::max<std::size_t>(1, votes.size()));
  }
  std::vector<int> counts(classes_.size(), 0);
  for (const double vote : votes) ++counts[static_cast<std::size_t>(vote)];
  return static_cast<double>(std::max_element(counts.begin(), counts.end()) - counts.begin());
}

double Forest::errorOf(double predicted, const Cell& label) const {
  if (!classes_.empty())
    return classes_[static_cast<std::size_t>(predicted)] == labelText(label) ? 0 : 1;
  const auto* number = std::get_if<double>(&label);
  return number ? std::abs(predicted - *number) : std::numeric_limits<double>::quiet_NaN();
}

Expected<Forest> Forest::fit(const Basis& basis, const std::vector<Row>& rows,
                             const std::vector<Cell>& labels, const ForestOptions& options) {
  Forest out;
  out.classes_ = classesOf(labels);
  Sample sample;
  sample.dim = static_cast<std::size_t>(basis.embeddedDim());
  sample.classes = out.classes_.size();
  std::vector<const Cell*> kept;
  std::vector<double> point;
  for (std::size_t i = 0; i < std::min(rows.size(), labels.size()); ++i) {
    if (!known(labels[i]) || rows[i].size() != basis.features().size()) continue;
    basis.embed(rows[i], point);
    for (const double value : point) sample.points.push_back(static_cast<float>(value));
    const auto place =
        std::lower_bound(out.classes_.begin(), out.classes_.end(), labelText(labels[i]));
    sample.targets.push_back(out.classes_.empty()
                                 ? std::get<double>(labels[i])
                                 : static_cast<double>(place - out.classes_.begin()));
    kept.push_back(&labels[i]);
  }
  const std::size_t n = kept.size();
  if (n < kLeastRows) {
    return invalid("training: " + std::to_string(n) + " rows have a label; at least " +
                   std::to_string(kLeastRows) + " must");
  }
  std::mt19937_64 random(options.seed);
  std::vector<std::vector<double>> unseen(n);
  for (int t = 0; t < options.trees; ++t) {
    std::vector<int> bag(n);
    std::vector<char> inBag(n, 0);
    for (auto& row : bag) {
      row = static_cast<int>(random() % n);
      inBag[static_cast<std::size_t>(row)] = 1;
    }
    out.trees_.push_back(grow(sample, std::move(bag), options, random()));
    for (std::size_t i = 0; i < n; ++i) {
      if (!inBag[i])
        unseen[i].push_back(ask(out.trees_.back(), sample.points.data() + i * sample.dim));
    }
  }
  double sum = 0;
  for (std::size_t i = 0; i < n; ++i) {
    if (unseen[i].empty()) continue;
    sum += out.errorOf(out.combine(unseen[i]), *kept[i]);
    ++out.outOfBag_.n;
  }
  if (out.outOfBag_.n > 0) out.outOfBag_.mean = sum / static_cast<double>(out.outOfBag_.n);
  return out;
}

Cell Forest::predict(const Basis& basis, const Row& row) const {
  thread_local std::vector<double> point;
  thread_local std::vector<float> narrow;
  basis.embed(row, point);
  narrow.assign(point.begin(), point.end());
  std::vector<double> votes;
  for (const auto& tree : trees_) votes.push_back(ask(tree, narrow.data()));
  const double value = combine(votes);
  if (classes_.empty()) return value;
  return classes_[static_cast<std::size_t>(value)];
}

double Forest::error(const Basis& basis, const Row& row, const Cell& label) const {
  if (!known(label)) return std::numeric_limits<double>::quiet_NaN();
  const Cell predicted = predict(basis, row);
  if (!classes_.empty()) return std::get<std::string>(predicted) == labelText(label) ? 0 : 1;
  return errorOf(std::get<double>(predicted), label);
}

}  // namespace reprise::drift
