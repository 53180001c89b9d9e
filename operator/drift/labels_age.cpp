// Whether what late labels tell is likely over.
#include <algorithm>

#include "drift/labels.h"

namespace reprise::drift {
namespace {

constexpr double kBad = 4.6;  // log of the odds against chance: 1e-2

}  // namespace

// What lasted long is likely to last as long again: labels act while they lag by less than a share
// of what the kinds of data lasted so far, the one before the change or the one since.
bool LabelView::outdated(std::int64_t nowMs, const std::vector<const Window*>& windows,
                         const History& history) const {
  std::int64_t rowsAfter = 0;
  for (const auto* window : windows) {
    if (window->firstMs > own_.back().lastMs) rowsAfter += window->profile.rows();
  }
  const auto lag = nowMs - own_.back().lastMs;
  return rowsAfter > policy_.freshLabels &&
         static_cast<double>(lag) > policy_.maxLabelLag * static_cast<double>(lasted(history));
}

// The rule since the change, and the one before it, the longer of them. Other rules that came and
// went while this version served are no part of that: vetoLabels rows at a time are asked whether
// their error is what the reference allows. What blocks do not reach back to was as calm as the
// oldest of them.
std::int64_t LabelView::lasted(const History& history) const {
  std::int64_t changed = change_.firstMs;  // the search for a change has an end, a rule has none
  std::int64_t calm = changed;
  bool bad = false;
  ErrorSum some;
  for (std::size_t i = own_.size(); i-- > 0;) {
    if (own_[i].firstMs >= change_.firstMs) continue;
    some.add(own_[i]);
    if (some.n < policy_.vetoLabels) continue;
    const double rise = some.mean() - reference_->mean;
    bad = rise > minRise() && evidence(rise, static_cast<double>(some.n), some) > kBad;
    if (bad && calm < changed) return std::max(changed - calm, change_.lastMs - changed);
    calm = some.firstMs;
    if (bad) changed = calm;
    some = {};
  }
  const auto since =
      history.changedMs.value_or(history.activeSinceMs.value_or(own_.front().firstMs));
  return std::max(bad ? 0 : changed - since, change_.lastMs - changed);
}

}  // namespace reprise::drift
