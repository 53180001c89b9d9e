#include "drift/replay.h"

#include <algorithm>
#include <cmath>
#include <deque>
#include <limits>
#include <map>
#include <set>

#include "drift/forest.h"
#include "drift/json_field.h"

namespace reprise::drift {
namespace {

using Action = Decision::Action;

std::string majorityKind(const std::vector<ReplayRow>& rows, std::size_t begin, std::size_t end) {
  std::map<std::string, std::size_t> counts;
  for (std::size_t i = begin; i < end; ++i) ++counts[rows[i].kind];
  std::string out;
  std::size_t most = 0;
  for (const auto& [kind, count] : counts) {
    if (count > most) out = kind;
    most = std::max(most, count);
  }
  return out;
}

std::string majorityContext(const std::vector<ReplayRow>& rows, std::size_t begin,
                            std::size_t end) {
  std::map<std::string, std::size_t> counts;
  for (std::size_t i = begin; i < end; ++i) ++counts[rows[i].context];
  for (const auto& [name, count] : counts) {
    if (10 * count >= 9 * (end - begin)) return name;
  }
  return {};
}

// One stretch of rows of a kind, and what was done first in it.
struct Stretch {
  std::int64_t begin = 0;
  std::string kind;
  bool seenBefore = false;  // the kind, at any time
  bool isReturn = false, isArrival = false;
  bool alarmed = false, answered = false;
};

class Run {
 public:
  Run(const Basis& basis, const std::vector<ReplayRow>& rows, std::vector<ReplayVersion> versions,
      const Trainer& trainer, const ReplayOptions& options)
      : basis_(basis),
        rows_(rows),
        versions_(std::move(versions)),
        trainer_(trainer),
        options_(options),
        serving_(versions_.front().name) {
    history_.activeSinceMs = 0;
  }

  Expected<ReplayResult> go() {
    open();
    for (now_ = 0; now_ < static_cast<std::int64_t>(rows_.size()); ++now_) {
      const auto& row = rows_[static_cast<std::size_t>(now_)];
      if (now_ == 0 || row.kind != stretch_.kind) changeTo(row.kind);
      if (options_.mode == ReplayMode::Oracle) askOracle();
      answer(row);
      if (auto good = observe(row); !good) return tl::unexpected(good.error());
      finishTraining();
    }
    close();
    out_.score.rows = static_cast<std::int64_t>(rows_.size());
    return std::move(out_);
  }

 private:
  struct Training {
    std::int64_t asked = 0, from = 0, ready = 0;
  };
  // A stretch of rows of one window, and the labels of whom is known.
  struct Labelled {
    std::int64_t begin = 0, end = 0;
    std::map<std::string, LabelBlock> blocks;
  };

  ReplayVersion* find(const std::string& name) {
    const auto it = std::find_if(versions_.begin(), versions_.end(),
                                 [&](const auto& one) { return one.name == name; });
    return it == versions_.end() ? nullptr : &*it;
  }
  const std::string& servingKind() { return find(serving_)->kind; }
  bool kindKnown() const { return !stretch_.kind.empty(); }
  bool servesRight() { return kindKnown() && servingKind() == stretch_.kind; }
  bool kept(const std::string& kind) const {
    return std::any_of(versions_.begin(), versions_.end(),
                       [&](const auto& one) { return one.kind == kind; });
  }
  void note(std::string action, std::string version, std::string reason, std::string message,
            bool right = true) {
    out_.timeline.push_back({now_, std::move(action), std::move(version), std::move(reason),
                             std::move(message), right});
  }

  void changeTo(const std::string& kind) {
    close();
    stretch_ = Stretch{now_, kind};
    stretch_.seenBefore = seen_.contains(kind);
    seen_.insert(kind);
    if (now_ == 0 || kind.empty()) return;
    ++out_.score.changes;
    stretch_.isReturn = kept(kind) && servingKind() != kind;
    stretch_.isArrival = !kept(kind);
    out_.score.returns += stretch_.isReturn;
    out_.score.arrivals += stretch_.isArrival;
    note("Change", kind, "", stretch_.seenBefore ? "comes back" : "is new");
  }

  void close() {
    if (stretch_.answered) return;
    out_.score.missed += stretch_.isReturn;
    out_.score.arrivalsMissed += stretch_.isArrival;
  }

  void answer(const ReplayRow& row) {
    const auto* version = find(serving_);
    if (kindKnown() && version->kind != row.kind && !alarm_) ++out_.score.blindRows;
    const double error = version->error ? version->error(rows_, static_cast<std::size_t>(now_))
                                        : std::numeric_limits<double>::quiet_NaN();
    if (std::isnan(error)) return;
    ++out_.score.judged;
    out_.score.errorSum += error;
    if (stretch_.begin == 0 || !stretch_.seenBefore || now_ - stretch_.begin >= options_.recovery)
      return;
    ++out_.score.recoveryJudged;
    out_.score.recoveryErrorSum += error;
  }

  void open() { window_ = Window{serving_, now_, now_, Profile(basis_), {}}; }

  Expected<void> observe(const ReplayRow& row) {
    if (options_.mode == ReplayMode::Never || options_.mode == ReplayMode::Oracle) return {};
    if (window_.profile.rows() == 0) window_.firstMs = now_;
    if (auto good = window_.profile.add(basis_, row.row); !good) {
      return invalid("row " + std::to_string(now_ + 1) + ": " + good.error().message);
    }
    if (!row.context.empty()) ++window_.contexts[row.context];
    window_.lastMs = now_;
    if (window_.profile.rows() < options_.window) return {};
    labelled_.push_back({window_.firstMs, now_ + 1, {}});
    windows_.push_back(std::move(window_));
    open();
    if (windows_.size() > options_.keptWindows) windows_.erase(windows_.begin());
    if (labelled_.size() > options_.keptBlocks) labelled_.pop_front();
    decideNow();
    return {};
  }

  std::vector<LabelBlock> labels() {
    std::vector<LabelBlock> out;
    for (auto& stretch : labelled_) {
      if (stretch.end + options_.labelsLate > now_ + 1) break;
      for (const auto& version : versions_) {
        if (!version.error || static_cast<std::int64_t>(version.trainedThrough) > stretch.begin)
          continue;
        if (options_.mode == ReplayMode::Always && version.name != serving_) continue;
        auto [it, added] = stretch.blocks.try_emplace(version.name);
        if (added) it->second = blockOf(version, stretch);
        if (it->second.n > 0) out.push_back(it->second);
      }
    }
    return out;
  }

  LabelBlock blockOf(const ReplayVersion& version, const Labelled& stretch) {
    const auto& served = *find(serving_);
    LabelBlock out{version.name, stretch.begin, stretch.end - 1};
    for (auto i = stretch.begin; i < stretch.end; ++i) {
      const double error = version.error(rows_, static_cast<std::size_t>(i));
      if (std::isnan(error)) continue;
      ++out.n;
      out.errorSum += error;
      out.errorSqSum += error * error;
      const double answered = served.error && version.name != serving_
                                  ? served.error(rows_, static_cast<std::size_t>(i))
                                  : std::numeric_limits<double>::quiet_NaN();
      if (std::isnan(answered)) continue;
      ++out.pairs;
      out.gainSum += answered - error;
      out.gainSqSum += (answered - error) * (answered - error);
    }
    return out;
  }

  void decideNow() {
    std::vector<Candidate> candidates;
    for (const auto& version : versions_) {
      if (options_.mode == ReplayMode::Always && version.name != serving_) continue;
      candidates.push_back({version.name, version.profile.get(),
                            static_cast<std::int64_t>(version.trainedThrough), version.context,
                            version.reference});
    }
    const auto decision =
        decide(windows_, candidates, serving_, options_.policy, history_, now_, labels());
    history_.learnedTolerance = decision.learnedTolerance;
    raise(decision);
    if (decision.action == Action::Switch)
      switchTo(decision.version, decision.reason, decision.message, decision.firstDriftedMs);
    if (decision.action == Action::Retrain && !training_)
      train(decision.firstDriftedMs.value_or(now_), decision.reason, decision.message);
  }

  void raise(const Decision& decision) {
    if (decision.drifted && !alarm_) {
      ++out_.score.alarms;
      out_.score.falseAlarms += servesRight();
      note("Alarm", serving_, decision.reason, decision.message, !servesRight());
      if (kindKnown() && !servesRight() && !stretch_.alarmed && stretch_.begin > 0) {
        stretch_.alarmed = true;
        out_.score.alarmRows.push_back(now_ + 1 - stretch_.begin);
      }
    }
    alarm_ = decision.drifted;
  }

  void switchTo(const std::string& name, const std::string& reason, const std::string& message,
                std::optional<std::int64_t> changed) {
    const auto* to = find(name);
    const bool right = !kindKnown() || to->kind == stretch_.kind;
    if (servesRight() && !right) ++out_.score.falseActions;
    if (!servesRight() && !stretch_.answered) {
      stretch_.answered = true;
      out_.score.right += stretch_.isReturn && right;
      out_.score.wrong += stretch_.isReturn && !right;
      out_.score.taken += stretch_.isArrival && !right;
      if (stretch_.isReturn && right) out_.score.switchRows.push_back(now_ + 1 - stretch_.begin);
    }
    note("Switch", name, reason, message, right);
    history_.lastActionMs = now_;
    activate(name, changed);
  }

  void activate(const std::string& name, std::optional<std::int64_t> changed = std::nullopt) {
    serving_ = name;
    windows_.clear();
    labelled_.clear();
    history_.learnedTolerance.reset();
    history_.activeSinceMs = now_ + 1;
    history_.changedMs = changed;
    alarm_ = false;
    open();
  }

  void train(std::int64_t from, const std::string& reason, const std::string& message) {
    ++out_.score.trainings;
    if (servesRight()) ++out_.score.falseActions;
    if (!servesRight() && !stretch_.answered) {
      stretch_.answered = true;
      out_.score.needless += stretch_.isReturn;
      if (stretch_.isArrival) out_.score.trainRows.push_back(now_ + 1 - stretch_.begin);
    }
    note("Retrain", serving_, reason, message, !servesRight() && !stretch_.isReturn);
    history_.lastActionMs = history_.lastRetrainMs = now_;
    if (trainer_)
      training_ = Training{now_, std::max<std::int64_t>(0, from), now_ + options_.trainTakes};
  }

  void finishTraining() {
    if (!training_ || now_ < training_->ready) return;
    const auto done = *training_;
    training_.reset();
    const auto labelled = now_ + 1 - options_.labelsLate;
    const auto end = std::max(done.from, std::min(done.from + options_.trainRows, labelled));
    auto made = trainer_(rows_, static_cast<std::size_t>(done.from), static_cast<std::size_t>(end));
    if (!made) {
      note("TrainingFailed", "", "", made.error().message);
      return;
    }
    made->name = "t" + std::to_string(++made_);
    made->kind =
        majorityKind(rows_, static_cast<std::size_t>(done.from), static_cast<std::size_t>(end));
    made->context =
        majorityContext(rows_, static_cast<std::size_t>(done.from), static_cast<std::size_t>(end));
    made->trainedThrough = static_cast<std::size_t>(end);
    note("Trained", made->name, "",
         "on rows " + std::to_string(done.from + 1) + " to " + std::to_string(end));
    versions_.push_back(std::move(*made));
    if (options_.mode == ReplayMode::Always) activate(versions_.back().name);
    if (versions_.size() <= options_.keptVersions) return;
    const auto oldest = std::find_if(versions_.begin(), versions_.end(),
                                     [&](const auto& one) { return one.name != serving_; });
    versions_.erase(oldest);
  }

  void askOracle() {
    if (!kindKnown() || servesRight() || now_ - stretch_.begin < options_.oracleDelay) return;
    const auto it = std::find_if(versions_.rbegin(), versions_.rend(),
                                 [&](const auto& one) { return one.kind == stretch_.kind; });
    if (it != versions_.rend()) {
      switchTo(it->name, "Told", "", stretch_.begin);
    } else if (!training_ && !stretch_.answered) {
      train(stretch_.begin, "Told", "");
    }
  }

  const Basis& basis_;
  const std::vector<ReplayRow>& rows_;
  std::vector<ReplayVersion> versions_;
  const Trainer& trainer_;
  const ReplayOptions& options_;
  std::string serving_;
  std::int64_t now_ = 0;
  Window window_;
  std::vector<Window> windows_;
  std::deque<Labelled> labelled_;
  History history_;
  std::optional<Training> training_;
  int made_ = 0;
  bool alarm_ = false;
  Stretch stretch_;
  std::set<std::string> seen_;
  ReplayResult out_;
};

void addAll(std::vector<std::int64_t>& to, const std::vector<std::int64_t>& from) {
  to.insert(to.end(), from.begin(), from.end());
}

}  // namespace

Trainer forestTrainer(const Basis& basis) {
  return [basis](const std::vector<ReplayRow>& rows, std::size_t begin,
                 std::size_t end) -> Expected<ReplayVersion> {
    auto profile = std::make_shared<Profile>(basis);
    std::vector<Row> inputs;
    std::vector<Cell> labels;
    bool labelled = false;
    for (std::size_t i = begin; i < end; ++i) {
      if (auto good = profile->add(basis, rows[i].row); !good) return tl::unexpected(good.error());
      inputs.push_back(rows[i].row);
      labels.push_back(rows[i].label);
      labelled = labelled || rows[i].label.index() != 0;
    }
    if (inputs.empty()) return invalid("training: there are no rows");
    ReplayVersion out;
    out.profile = std::move(profile);
    if (!labelled) return out;
    auto forest = Forest::fit(basis, inputs, labels);
    if (!forest) return tl::unexpected(forest.error());
    if (forest->outOfBag().n > 0) out.reference = forest->outOfBag();
    out.error = [basis, model = std::make_shared<const Forest>(std::move(*forest))](
                    const std::vector<ReplayRow>& all, std::size_t at) {
      return model->error(basis, all[at].row, all[at].label);
    };
    return out;
  };
}

std::optional<ReplayMode> replayMode(const std::string& name) {
  for (const auto mode :
       {ReplayMode::Never, ReplayMode::Always, ReplayMode::Switch, ReplayMode::Oracle}) {
    if (name == to_string(mode)) return mode;
  }
  return std::nullopt;
}

std::string_view to_string(ReplayMode mode) {
  switch (mode) {
    case ReplayMode::Never: return "never";
    case ReplayMode::Always: return "always";
    case ReplayMode::Switch: return "switch";
    case ReplayMode::Oracle: return "oracle";
  }
  return "switch";
}

void ReplayScore::add(const ReplayScore& other) {
  for (const auto field :
       {&ReplayScore::rows, &ReplayScore::changes, &ReplayScore::returns, &ReplayScore::right,
        &ReplayScore::wrong, &ReplayScore::needless, &ReplayScore::missed, &ReplayScore::arrivals,
        &ReplayScore::taken, &ReplayScore::arrivalsMissed, &ReplayScore::trainings,
        &ReplayScore::alarms, &ReplayScore::falseAlarms, &ReplayScore::falseActions,
        &ReplayScore::blindRows, &ReplayScore::judged, &ReplayScore::recoveryJudged})
    this->*field += other.*field;
  errorSum += other.errorSum;
  recoveryErrorSum += other.recoveryErrorSum;
  addAll(alarmRows, other.alarmRows);
  addAll(switchRows, other.switchRows);
  addAll(trainRows, other.trainRows);
}

double median(std::vector<std::int64_t> values) {
  if (values.empty()) return std::numeric_limits<double>::quiet_NaN();
  std::sort(values.begin(), values.end());
  const auto half = values.size() / 2;
  return values.size() % 2 ? static_cast<double>(values[half])
                           : static_cast<double>(values[half - 1] + values[half]) / 2;
}

Expected<ReplayResult> replay(const Basis& basis, const std::vector<ReplayRow>& rows,
                              std::vector<ReplayVersion> versions, const Trainer& trainer,
                              const ReplayOptions& options) {
  if (versions.empty()) return invalid("versions: at least one must be given");
  if (options.window < 4) return invalid("window: must be at least 4 rows");
  for (const auto& version : versions) {
    if (version.profile && version.profile->basisId() != basis.id()) {
      return invalid("versions." + version.name +
                     ": its profile has another basis than the first version's, so its columns or "
                     "its scaling differ; publish it with the first version's basis");
    }
  }
  return Run(basis, rows, std::move(versions), trainer, options).go();
}

}  // namespace reprise::drift
