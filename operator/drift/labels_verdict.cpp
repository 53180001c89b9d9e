// Which kept version knows the rule of the rows since the change.
#include <algorithm>
#include <cmath>

#include "drift/labels.h"
#include "drift/names.h"

namespace reprise::drift {
namespace {

// Log of the odds against chance. Better than the serving version, which is known to be wrong by
// then: 0.05. A version's own rule: Wald's bound of 1e-2; another one: 1e-4, since its reference
// may be an optimist and a training costs most.
constexpr double kBetter = 3, kAccept = 4.6, kReject = 9.2;
constexpr double kGainShare = 1.0 / 3;

}  // namespace

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

// Log of the odds against chance that `seen` has less error than `own`: on the same rows where they
// are known, which tells much sooner than two means (Bernstein).
double LabelView::betterThan(const ErrorSum& own, const ErrorSum& seen) const {
  if (2 * seen.pairs >= seen.n) return pairedOdds(seen, kind());
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
