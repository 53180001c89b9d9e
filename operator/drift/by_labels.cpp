#include "drift/by_labels.h"

namespace reprise::drift {

using Action = Decision::Action;

namespace {

// Times Policy::trainingErrors: where a kept version's rule may be on the way back, and the most
// that an error which moves is waited for.
constexpr double kPatience = 2, kMostPatience = 8;

}  // namespace

Decision& switchByLabels(const Question& q, const Candidate& best, Decision& decision) {
  return switchTo(q, decision, best.version, "KnownRule",
                  errorText(decision, q.serving.version) + "; " + best.version +
                      " answers the same rows as well as it did its own");
}

Decision& byLabels(const Question& q, Decision& decision) {
  const auto& change = q.labels.sinceChange();
  decision.drifted = true;
  decision.firstDriftedMs = change.firstMs;
  decision.error = change.mean();
  decision.labels = change.n;
  if (q.labels.late()) {
    return say(decision, Action::Hold, "LateLabels",
               errorText(decision, q.serving.version) +
                   ", but these labels are as old as kinds of data last here: what they tell is "
                   "likely over");
  }
  bool open = false;
  if (const auto* best = q.labels.best(q.history.refused, change.firstMs, open))
    return switchByLabels(q, *best, decision);
  if (const auto* coming = q.labels.takingOver(q.history.refused)) {
    return switchTo(q, decision, coming->version, "KnownRule",
                    errorText(decision, q.serving.version) + " and rises; the rule of " +
                        coming->version + " takes over slowly, and most rows are of it by now");
  }
  const double excess = q.labels.excess();
  const double needed = q.policy.trainingErrors * (q.labels.approached() ? kPatience : 1);
  if (change.n < q.policy.minSamples || (open && change.n < q.policy.maxLabels) ||
      excess < needed) {
    return say(decision, Action::Hold, "CollectingLabels",
               errorText(decision, q.serving.version) +
                   "; more labelled rows are needed to tell whether a kept version knows better");
  }
  if (excess < kMostPatience * q.policy.trainingErrors && q.labels.moving()) {
    return say(decision, Action::Hold, "RuleMoving",
               errorText(decision, q.serving.version) +
                   " and still moves: a training would learn a rule that is not there to stay");
  }
  decision.firstDriftedMs = q.labels.ruleSinceMs();
  return retrain(q, decision, "UnknownRule",
                 errorText(decision, q.serving.version) +
                     ", and no kept version answers these rows as well as it did its own");
}

std::vector<std::string> refusedByLabels(const Question& q, std::int64_t sinceMs) {
  auto out = q.history.refused;
  if (q.labels.servingSince(sinceMs).n < q.policy.vetoLabels) return out;
  for (const auto& one : q.candidates) {
    if (one.version != q.serving.version && q.labels.verdict(one, sinceMs) == Verdict::Rejected)
      out.push_back(one.version);
  }
  return out;
}

}  // namespace reprise::drift
