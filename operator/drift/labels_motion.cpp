// Errors that move since the change: one rule that takes over from another slowly.
#include <algorithm>
#include <cmath>

#include "drift/labels.h"
#include "drift/names.h"

namespace reprise::drift {
namespace {

// Standard deviations between means of errors: a hint is enough to wait with a training, any sign
// of it where a kept version became better; that it did, or that there was a second step, is more.
constexpr double kMoves = 0.5, kApproaches = 3, kStep = 3;
// … each, on average, of two errors that cross.
constexpr double kCrosses = 2.5;

}  // namespace

// Standard deviations by which the mean error of `after` is above that of `before`.
double LabelView::stepOf(const ErrorSum& before, const ErrorSum& after) const {
  ErrorSum all = before;
  all.n += after.n;
  all.sum += after.sum;
  all.sumSq += after.sumSq;
  const double v = variance(all.mean(), all);
  const double scale = 1 / static_cast<double>(before.n) + 1 / static_cast<double>(after.n);
  return (after.mean() - before.mean()) / std::sqrt(v * scale);
}

// Standard deviations by which the error in the newer half of the rows since the change is above
// that in the older one.
double LabelView::stepSinceChange(const std::string& version) const {
  ErrorSum older, newer;
  for (const auto& block : blocksOf(version, change_.firstMs))
    (2 * older.n < change_.n ? older : newer).add(block);
  const auto least = policy_.minLabels;
  return older.n < least || newer.n < least ? 0 : stepOf(older, newer);
}

// … in the rows since the change above that in those before it.
std::optional<double> LabelView::stepFromBefore(const std::string& version) const {
  ErrorSum before, since;
  for (const auto& block : blocksOf(version, 0))
    (block.firstMs < change_.firstMs ? before : since).add(block);
  if (before.n < policy_.minLabels || since.n < policy_.minLabels) return std::nullopt;
  return stepOf(before, since);
}

bool LabelView::moving() const {
  const double hint = approached() ? 0 : kMoves;
  if (stepSinceChange(serving_) > hint) return true;
  return std::any_of(candidates_.begin(), candidates_.end(), [&](const auto& one) {
    return one.version != serving_ && stepSinceChange(one.version) < -hint;
  });
}

bool LabelView::approached() const {
  return std::any_of(candidates_.begin(), candidates_.end(), [&](const auto& one) {
    return one.version != serving_ && stepFromBefore(one.version).value_or(0) < -kApproaches;
  });
}

// Where the rules of the serving version and of this one are all that is there, the error of this
// one is on the straight way from what it was under the other rule to its own reference: beyond the
// middle of it, and below the serving version's, most rows are of its rule.
bool LabelView::rulesMost(const Candidate& candidate, const ErrorSum& own) const {
  const auto& given =
      candidate.reference && candidate.reference->n > 0 ? candidate.reference : reference_;
  const auto seen = newestOf(candidate.version, policy_.minSamples);
  if (!given || seen.n < policy_.minSamples || seen.mean() >= own.mean()) return false;
  ErrorSum before;
  for (const auto& block : blocksOf(candidate.version, 0))
    if (block.firstMs < change_.firstMs) before.add(block);
  return 2 * (seen.mean() - given->mean) < before.mean() - given->mean;
}

// Both errors must move since the change by more than chance: where one rule takes the place of
// another at once they do not, and a new rule which is nearer to a kept one is none that takes
// over.
const Candidate* LabelView::takingOver(const std::vector<std::string>& refused) const {
  const auto own = newestOf(serving_, policy_.minSamples);
  if (own.n < policy_.minSamples) return nullptr;
  const Candidate* out = nullptr;
  double least = 0;
  for (const auto& one : candidates_) {
    if (one.version == serving_ || contains(refused, one.version)) continue;
    if (stepFromBefore(one.version).value_or(0) >= -kApproaches) continue;
    const double crossing = stepSinceChange(serving_) - stepSinceChange(one.version);
    if (crossing < 2 * kCrosses || !rulesMost(one, own)) continue;
    const double error = newestOf(one.version, policy_.minSamples).mean();
    if (out && error >= least) continue;
    out = &one;
    least = error;
  }
  return out;
}

std::int64_t LabelView::ruleSinceMs() const {
  const auto blocks = blocksOf(serving_, change_.firstMs);
  std::int64_t out = change_.firstMs;
  double most = kStep;
  ErrorSum newer;
  for (std::size_t i = blocks.size(); i-- > 1;) {
    newer.add(blocks[i]);
    ErrorSum older;
    older.n = change_.n - newer.n;
    older.sum = change_.sum - newer.sum;
    older.sumSq = change_.sumSq - newer.sumSq;
    if (newer.n < policy_.minLabels || older.n < policy_.minLabels) continue;
    const double step = stepOf(older, newer);
    if (step <= most) continue;
    most = step;
    out = blocks[i].firstMs;
  }
  return out;
}

}  // namespace reprise::drift
