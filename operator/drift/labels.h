// What labels say: whether the serving version's error rose, since when, and which kept version
// answers the rows since then as well as it did its own. Sees what inputs cannot show: P(y | x).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "drift/decide.h"
#include "drift/error_sum.h"

namespace reprise::drift {

enum class Verdict { None, Open, Accepted, Rejected };  // None: no score

class LabelView {
 public:
  // Bad blocks (n < 1, sums that no error can have) are left out. `windows`: of the serving
  // version.
  LabelView(const std::vector<LabelBlock>& labels, const std::vector<Candidate>& candidates,
            const std::string& serving, const Policy& policy, const History& history,
            std::int64_t nowMs, const std::vector<const Window*>& windows);

  bool any() const { return !own_.empty(); }
  // The serving version's error is above its reference by more than chance and minErrorRise, and
  // still is in the newest rows; or a kept version answers the same rows better, by more than
  // chance and minGain.
  bool alarm() const { return alarm_; }
  // Labels lag so far behind that what they tell is likely over: see Policy::maxLabelLag.
  bool late() const { return late_; }
  const ErrorSum& sinceChange() const { return change_; }  // alarm() only
  const ErrorSum& newest() const { return newest_; }
  std::optional<double> reference() const;

  // The serving version's error on rows answered at `sinceMs` or later.
  ErrorSum servingSince(std::int64_t sinceMs) const { return sumOf(serving_, sinceMs); }
  // At least vetoLabels of them, and no more error than the reference allows.
  bool servingFineSince(std::int64_t sinceMs) const;
  // Errors of the serving version above its reference since the change: what it cost so far.
  // alarm() only; in two standard deviations where errors are not within 0 … 1.
  double excess() const;
  // The error still moves: since the change that of the serving version rises, or that of a kept
  // one falls. One rule takes over from another slowly, and rows of both are no training data.
  bool moving() const;
  // A kept version answers the rows since the change better than those before it: its rule may be
  // on the way back.
  bool approached() const;
  // Since when the newest rows are of one rule: the change, or a later step of the error.
  std::int64_t ruleSinceMs() const;
  // Whether the rows since then, or the newest of them, are of the rule that `version` learned: a
  // sequential probability ratio test (Wald 1945) of its error being its reference against it being
  // higher by a third of what it would win back, at least by minErrorRise.
  Verdict verdict(const Candidate& candidate, std::int64_t sinceMs) const;
  // The kept version whose rule takes over from the serving one's slowly and rules most of the
  // newest rows by now, the one with the lowest error on them; nullptr: none. verdict() would wait
  // until nearly all rows are of its rule. alarm() only.
  const Candidate* takingOver(const std::vector<std::string>& refused) const;
  // Accepted with the lowest error since then; nullptr: none. `open`: some are not decided.
  const Candidate* best(const std::vector<std::string>& refused, std::int64_t sinceMs,
                        bool& open) const;

 private:
  ErrorSum sumOf(const std::string& version, std::int64_t sinceMs) const;
  ErrorSum newestOf(const std::string& version, std::int64_t rows) const;
  std::vector<LabelBlock> blocksOf(const std::string& version, std::int64_t sinceMs) const;
  double oddsOf(const ReferenceError& reference, const ErrorSum& seen, const ErrorSum& own) const;
  double betterThan(const ErrorSum& own, const ErrorSum& seen) const;
  double stepOf(const ErrorSum& before, const ErrorSum& after) const;
  double stepSinceChange(const std::string& version) const;
  std::optional<double> stepFromBefore(const std::string& version) const;
  bool rulesMost(const Candidate& candidate, const ErrorSum& own) const;
  void findReference(const std::vector<Candidate>& candidates);
  void findChange();
  void findGain(const std::vector<std::string>& refused);
  bool outdated(std::int64_t nowMs, const std::vector<const Window*>& windows,
                const History& history) const;
  std::int64_t lasted(const History& history) const;
  double variance(double mean, const ErrorSum& seen) const;
  double evidence(double rise, double n, const ErrorSum& seen) const;
  double minRise() const { return scaled(policy_.minErrorRise); }
  double scaled(double share) const;  // in two standard deviations where errors are not 0 … 1
  ErrorKind kind() const;

  const std::vector<Candidate>& candidates_;
  const std::string& serving_;
  const Policy& policy_;
  std::vector<LabelBlock> blocks_;  // since the serving version is active, by time
  std::vector<LabelBlock> own_;     // of the serving version, after the reference was learned
  std::optional<ReferenceError> reference_;
  double spread_ = 0;   // standard deviation of the error where it is not within 0 … 1
  bool unit_ = true;    // all errors are within 0 … 1
  bool binary_ = true;  // … and are 0 or 1
  bool alarm_ = false, late_ = false;
  ErrorSum change_, newest_;
};

}  // namespace reprise::drift
