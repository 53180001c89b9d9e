#include "drift/labels.h"

#include <algorithm>
#include <cmath>

#include "drift/names.h"

namespace reprise::drift {
namespace {

// Log of the odds against chance. An alarm: Bernstein's bound at 1e-6 for each of the few hundred
// stretches of a day's blocks. Better than the serving
// version, which is known to be wrong by then: 0.05. A version's own rule: Wald's bound of 1e-2;
// another one: 1e-4, since its reference may be an optimist and a training costs most.
constexpr double kAlarm = 13.8, kBetter = 3, kAccept = 4.6, kReject = 9.2;
constexpr std::int64_t kLearnLabels = 150;  // first labelled rows, where a reference is learned
constexpr std::int64_t kMostLabels = 3000;  // newest, that a change is looked for in
constexpr double kSpreads = 4;              // largest error in standard deviations, where unbounded
constexpr double kGainShare = 1.0 / 3;
// Standard deviations between means of errors: a hint is enough to wait with a training, any sign
// of it where a kept version became better; that it did, or that there was a second step, is more.
constexpr double kMoves = 0.5, kApproaches = 3, kStep = 3;
// … each, on average, of two errors that cross.
constexpr double kCrosses = 2.5;

bool sound(const LabelBlock& block) {
  return block.n > 0 && std::isfinite(block.errorSum) && std::isfinite(block.errorSqSum) &&
         block.errorSum >= 0 &&
         block.errorSqSum * static_cast<double>(block.n) >=
             block.errorSum * block.errorSum * (1 - 1e-9);
}

// As if two rows more had been seen, one of them wrong: no reference is exactly 0 or 1.
double smoothed(const ReferenceError& reference) {
  const auto n = static_cast<double>(reference.n);
  return (reference.mean * n + 1) / (n + 2);
}

}  // namespace

void ErrorSum::add(const LabelBlock& block) {
  firstMs = n == 0 ? block.firstMs : std::min(firstMs, block.firstMs);
  lastMs = n == 0 ? block.lastMs : std::max(lastMs, block.lastMs);
  n += block.n;
  sum += block.errorSum;
  sumSq += block.errorSqSum;
}

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
  }
  std::stable_sort(blocks_.begin(), blocks_.end(),
                   [](const auto& a, const auto& b) { return a.firstMs < b.firstMs; });
  for (const auto& block : blocks_) {
    if (block.version == serving_) own_.push_back(block);
  }
  if (own_.empty()) return;
  findReference(candidates);
  findChange();
  late_ = alarm_ && outdated(nowMs, windows);
}

// What lasted long is likely to last as long again: labels act while they lag by less than a share
// of what the kinds of data lasted so far, the one before the change or the one since.
bool LabelView::outdated(std::int64_t nowMs, const std::vector<const Window*>& windows) const {
  std::int64_t rowsAfter = 0;
  for (const auto* window : windows) {
    if (window->firstMs > own_.back().lastMs) rowsAfter += window->profile.rows();
  }
  const auto lag = nowMs - own_.back().lastMs;
  return rowsAfter > policy_.freshLabels &&
         static_cast<double>(lag) > policy_.maxLabelLag * static_cast<double>(lasted(lag));
}

// The rule since the change, and the one before it, the longer of them. Other rules that came and
// went while this version served are no part of that: vetoLabels rows at a time are asked whether
// their error is what the reference allows.
std::int64_t LabelView::lasted(std::int64_t lagMs) const {
  std::int64_t changed = change_.firstMs;  // the search for a change has an end, a rule has none
  std::int64_t calm = changed;
  ErrorSum some;
  for (std::size_t i = own_.size(); i-- > 0;) {
    if (own_[i].firstMs >= change_.firstMs) continue;
    some.add(own_[i]);
    if (some.n < policy_.vetoLabels) continue;
    const bool bad = some.mean() > reference_->mean + minRise();
    if (bad && calm < changed) return std::max(changed - calm, change_.lastMs - changed);
    calm = some.firstMs;
    if (bad) changed = calm;
    some = {};
  }
  // The first rule had begun about a lag before its version was chosen.
  return std::max(changed - own_.front().firstMs + lagMs, change_.lastMs - changed);
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

double LabelView::minRise() const {
  return unit_ ? policy_.minErrorRise : std::max(2 * policy_.minErrorRise * spread_, 1e-12);
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
  ErrorSum sum;
  double most = 0;
  for (std::size_t i = own_.size(); i-- > 0 && sum.n < kMostLabels;) {
    sum.add(own_[i]);
    if (newest_.n < policy_.minLabels) newest_.add(own_[i]);
    if (sum.n < policy_.minLabels) continue;
    const double rise = sum.mean() - expected;
    const auto n = static_cast<double>(sum.n);
    const double found = evidence(rise, n * known / (n + known), sum);
    if (rise <= minRise() || found <= most) continue;
    most = found;
    change_ = sum;
  }
  alarm_ = most > kAlarm && newest_.mean() > expected + minRise() / 2;
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

// Log likelihood of "its own rule" less that of "another one".
double LabelView::oddsOf(const ReferenceError& reference, const ErrorSum& seen,
                         const ErrorSum& own) const {
  const double right = unit_ ? std::min(0.9, smoothed(reference)) : reference.mean;
  const double rise = std::min(std::max(minRise(), kGainShare * (own.mean() - right)),
                               unit_ ? 0.95 - right : 1e300);
  const auto n = static_cast<double>(seen.n);
  if (!unit_) return n * rise / variance(0, seen) * (rise / 2 - (seen.mean() - right));
  return -seen.sum * std::log((right + rise) / right) -
         (n - seen.sum) * std::log((1 - right - rise) / (1 - right));
}

// Log of the odds against chance (Bernstein) that `seen` has less error than `own`.
double LabelView::betterThan(const ErrorSum& own, const ErrorSum& seen) const {
  const double gain = own.mean() - seen.mean();
  if (gain <= 0) return 0;
  const auto pairs = static_cast<double>(std::min(own.n, seen.n));
  const double v = variance(own.mean(), own) + variance(seen.mean(), seen);
  return pairs * gain * gain / (2 * (v + (unit_ ? 1 : kSpreads * std::sqrt(v)) * gain / 3));
}

Verdict LabelView::verdict(const Candidate& candidate, std::int64_t sinceMs) const {
  const auto blocks = blocksOf(candidate.version, sinceMs);
  if (blocks.empty()) return Verdict::None;
  const auto& given =
      candidate.reference && candidate.reference->n > 0 ? candidate.reference : reference_;
  if (!given) return Verdict::Open;
  // Stretches of the newest rows: where one rule takes over from another slowly, or the change was
  // dated too early, only those are of the rule that is in force now. Each that is asked has its
  // chance to be right by chance, so one of them needs the better odds.
  const auto ours = blocksOf(serving_, sinceMs);
  ErrorSum seen, own;
  std::size_t next = ours.size();
  int asked = 0;
  double odds = 0, newestOdds = 0, best = 0;
  for (std::size_t i = blocks.size(); i-- > 0;) {
    seen.add(blocks[i]);
    while (next > 0 && ours[next - 1].firstMs >= blocks[i].firstMs) own.add(ours[--next]);
    if (seen.n < policy_.minLabels || own.n < policy_.minLabels) continue;
    odds = oddsOf(*given, seen, own);
    if (++asked == 1 || seen.n <= policy_.minSamples) newestOdds = odds;
    if (betterThan(own, seen) >= kBetter) best = std::max(best, odds);
  }
  if (asked == 0) return Verdict::Open;
  const bool enough = seen.n >= policy_.maxLabels;
  // Not worth a switch.
  if (enough && own.mean() - seen.mean() < minRise() / 2 && newestOdds < 0)
    return Verdict::Rejected;
  const bool better = betterThan(own, seen) >= kBetter;
  if (better && odds > kAccept) return Verdict::Accepted;
  if (best > kAccept + std::log(static_cast<double>(asked))) return Verdict::Accepted;
  if (odds < -kReject) return newestOdds < 0 ? Verdict::Rejected : Verdict::Open;
  if (!better || !enough) return Verdict::Open;
  return odds > 0 ? Verdict::Accepted : Verdict::Rejected;
}

const Candidate* LabelView::best(const std::vector<std::string>& refused, std::int64_t sinceMs,
                                 bool& open) const {
  const Candidate* out = nullptr;
  double least = 0;
  open = false;
  for (const auto& candidate : candidates_) {
    if (candidate.version == serving_ || contains(refused, candidate.version)) continue;
    const auto found = verdict(candidate, sinceMs);
    open = open || found == Verdict::Open || found == Verdict::None;
    if (found != Verdict::Accepted) continue;
    const double error = sumOf(candidate.version, sinceMs).mean();
    if (out && error >= least) continue;
    out = &candidate;
    least = error;
  }
  return out;
}

}  // namespace reprise::drift
