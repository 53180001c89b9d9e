#include "drift/labels.h"

#include <algorithm>
#include <cmath>

#include "drift/names.h"

namespace reprise::drift {
namespace {

// Log of the odds against chance: Bernstein's bound at 1e-6 for each of the few hundred stretches
// of a day's blocks.
constexpr double kAlarm = 13.8;
// … where a kept version is better, which must pass its own test as well: 1e-5.
constexpr double kGain = 11.5;
// Of rows in between that were calm, so what is before them is another visit: 1e-4.
constexpr double kOver = 9.2;
constexpr std::int64_t kLearnLabels = 150;  // first labelled rows, where a reference is learned
constexpr std::int64_t kNewestLabels = 30;  // must be bad too, or the change is over
constexpr std::int64_t kMostLabels = 3000;  // newest, that a change is looked for in

}  // namespace

LabelView::LabelView(const std::vector<LabelBlock>& labels,
                     const std::vector<Candidate>& candidates, const std::string& serving,
                     const Policy& policy, const History& history, std::int64_t nowMs,
                     const std::vector<const Window*>& windows)
    : candidates_(candidates), serving_(serving), policy_(policy) {
  for (const auto& block : labels) {
    if (!sound(block)) continue;
    if (!block.answeredBy.empty() && block.answeredBy != serving) continue;
    if (history.activeSinceMs && block.firstMs < *history.activeSinceMs) continue;
    blocks_.push_back(block);
    if (block.errorSqSum > block.errorSum * (1 + 1e-9)) unit_ = false;
    if (block.errorSqSum < block.errorSum * (1 - 1e-9)) binary_ = false;
  }
  std::stable_sort(blocks_.begin(), blocks_.end(),
                   [](const auto& a, const auto& b) { return a.firstMs < b.firstMs; });
  for (const auto& block : blocks_) {
    if (block.version == serving_) own_.push_back(block);
  }
  if (own_.empty()) return;
  findReference(candidates);
  findChange();
  if (!alarm_) findGain(history.refused);
  late_ = alarm_ && outdated(nowMs, windows, history);
}

std::optional<double> LabelView::reference() const {
  return reference_ ? std::optional(reference_->mean) : std::nullopt;
}

void LabelView::findReference(const std::vector<Candidate>& candidates) {
  const auto it = std::find_if(candidates.begin(), candidates.end(),
                               [&](const auto& one) { return one.version == serving_; });
  const bool given = it != candidates.end() && it->reference && it->reference->n > 0;
  if (given) reference_ = it->reference;
  ErrorSum first;
  auto block = own_.begin();
  for (; block != own_.end() && first.n < kLearnLabels; ++block) first.add(*block);
  const auto n = static_cast<double>(first.n);
  spread_ = std::sqrt(std::max(0.0, first.sumSq / n - first.mean() * first.mean()));
  if (given) return;
  if (first.n >= kLearnLabels) {
    reference_ = ReferenceError{first.mean(), first.n};
    own_.erase(own_.begin(), block);
  } else {
    own_.clear();
  }
}

double LabelView::scaled(double share) const {
  return unit_ ? share : std::max(2 * share * spread_, 1e-12);
}

ErrorKind LabelView::kind() const {
  if (!unit_) return ErrorKind::Loss;
  return binary_ ? ErrorKind::Binary : ErrorKind::Unit;
}

double LabelView::variance(double mean, const ErrorSum& seen) const {
  if (unit_) return std::max(1e-6, mean * (1 - mean));
  const auto n = static_cast<double>(std::max<std::int64_t>(1, seen.n));
  const double own = seen.sumSq / n - seen.mean() * seen.mean();
  return std::max({1e-18, spread_ * spread_, own});
}

// Bernstein (1924): P(mean of n is above by `rise`) ≤ exp(-n rise² / (2 (v + b rise / 3))).
double LabelView::evidence(double rise, double n, const ErrorSum& seen) const {
  if (rise <= 0) return 0;
  const double v = variance(unit_ ? smoothed(*reference_) : 0, seen);
  const double bound = unit_ ? 1 : kSpreads * std::sqrt(v);
  return n * rise * rise / (2 * (v + bound * rise / 3));
}

void LabelView::findChange() {
  if (!reference_ || own_.empty()) return;
  const auto known = static_cast<double>(reference_->n);
  const double expected = unit_ ? smoothed(*reference_) : reference_->mean;
  ErrorSum sum, between;
  double most = 0;
  for (std::size_t i = own_.size(); i-- > 0 && sum.n < kMostLabels;) {
    sum.add(own_[i]);
    between.add(own_[i]);
    if (oddsOf(*reference_, between, change_) > kOver) break;
    if (newest_.n < kNewestLabels) newest_.add(own_[i]);
    if (sum.n < policy_.minLabels) continue;
    const double rise = sum.mean() - expected;
    const auto n = static_cast<double>(sum.n);
    const double found = evidence(rise, n * known / (n + known), sum);
    if (rise <= minRise() || found <= most) continue;
    most = found;
    change_ = sum;
    between = {};
  }
  alarm_ = most > kAlarm && newest_.mean() > expected + minRise() / 2;
}

// A kept version that is better on the very same rows: of rules that differ on few rows this tells
// long before the serving version's error does, which its reference and its noise hide.
void LabelView::findGain(const std::vector<std::string>& refused) {
  if (!reference_ || own_.empty()) return;
  double most = kGain;
  std::optional<std::int64_t> sinceMs;
  for (const auto& one : candidates_) {
    if (one.version == serving_ || contains(refused, one.version)) continue;
    if (newestOf(one.version, policy_.minSamples).meanGain() < scaled(policy_.minGain) / 2)
      continue;
    ErrorSum sum, between;
    for (std::size_t i = blocks_.size(); i-- > 0 && sum.n < kMostLabels;) {
      if (blocks_[i].version != one.version) continue;
      sum.add(blocks_[i]);
      between.add(blocks_[i]);
      if (pairedOdds(between.reversed(), kind()) > kOver) break;
      if (sum.pairs < policy_.minLabels || sum.meanGain() <= scaled(policy_.minGain)) continue;
      const double odds = pairedOdds(sum, kind());
      if (odds <= most) continue;
      most = odds;
      sinceMs = blocks_[i].firstMs;
      between = {};
    }
  }
  if (!sinceMs) return;
  change_ = servingSince(*sinceMs);
  alarm_ = change_.n >= policy_.minLabels;
}

ErrorSum LabelView::sumOf(const std::string& version, std::int64_t sinceMs) const {
  ErrorSum out;
  for (const auto& block : blocks_) {
    if (block.version == version && block.firstMs >= sinceMs) out.add(block);
  }
  return out;
}

// The newest blocks with so many rows, or all.
ErrorSum LabelView::newestOf(const std::string& version, std::int64_t rows) const {
  ErrorSum out;
  for (std::size_t i = blocks_.size(); i-- > 0 && out.n < rows;) {
    if (blocks_[i].version == version) out.add(blocks_[i]);
  }
  return out;
}

bool LabelView::servingFineSince(std::int64_t sinceMs) const {
  if (!reference_) return false;
  const auto seen = servingSince(sinceMs);
  return seen.n >= policy_.vetoLabels && seen.mean() < reference_->mean + minRise();
}

std::vector<LabelBlock> LabelView::blocksOf(const std::string& version,
                                            std::int64_t sinceMs) const {
  std::vector<LabelBlock> out;
  for (const auto& block : blocks_) {
    if (block.version == version && block.firstMs >= sinceMs) out.push_back(block);
  }
  return out;
}

double LabelView::excess() const {
  const double above =
      change_.sum - static_cast<double>(change_.n) * (reference_ ? reference_->mean : 0);
  return unit_ ? above : above / std::max(1e-12, 2 * spread_);
}

}  // namespace reprise::drift
