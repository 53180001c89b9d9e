#include "drift/decide.h"

#include <algorithm>
#include <cstdio>

#include "drift/context.h"
#include "drift/labels.h"
#include "drift/looks.h"
#include "drift/match.h"

namespace reprise::drift {
namespace {

using Action = Decision::Action;

std::string decimal(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%.3f", value);
  return text;
}

std::string rowsText(std::int64_t rows) {
  return std::to_string(rows) + (rows == 1 ? " row" : " rows");
}

Decision& say(Decision& decision, Action action, const char* reason, std::string message) {
  decision.action = action;
  decision.reason = reason;
  decision.message = std::move(message);
  return decision;
}

const Candidate* servingOf(const std::vector<Candidate>& candidates, const std::string& serving) {
  const auto it = std::find_if(candidates.begin(), candidates.end(),
                               [&](const auto& one) { return one.version == serving; });
  return it == candidates.end() ? nullptr : &*it;
}

void copyMatch(const Match& match, const Profile& live, Decision& decision) {
  decision.ranked = match.ranked;
  decision.nearest = match.nearest;
  decision.second = match.second;
  decision.distance = match.distance;
  decision.margin = match.margin;
  decision.samples = live.rows();
}

std::string awayText(const Decision& decision, const std::string& serving) {
  return "the last " + rowsText(decision.samples) + " are " + decimal(decision.score) +
         " away from the training data of " + serving + " (z " + decimal(decision.z) +
         ", tolerated " + decimal(decision.tolerance) + ")";
}

std::string incomparableText(const Match& match) {
  std::string out;
  for (const auto& name : match.incomparable)
    out +=
        (out.empty() ? "; not compared for want of a profile of the same columns: " : ", ") + name;
  return out;
}

// Seconds left, or nothing.
std::optional<std::int64_t> left(const std::optional<std::int64_t>& since, std::int64_t length,
                                 std::int64_t nowMs) {
  if (!since || nowMs - *since >= length) return std::nullopt;
  return (length - (nowMs - *since) + 999) / 1000;
}

bool alternates(const Stream& stream) {
  const std::size_t count = std::min(kMixedLooks, stream.looks.size());
  const auto drifted = static_cast<std::size_t>(
      std::count_if(stream.looks.end() - static_cast<std::ptrdiff_t>(count), stream.looks.end(),
                    [](const auto& look) { return look.drifted; }));
  return drifted >= 2 && count - drifted >= 2;
}

struct Question {
  const Stream& stream;
  const Candidate& serving;
  const std::vector<Candidate>& candidates;
  const Policy& policy;
  const History& history;
  std::int64_t nowMs;
  const LabelView& labels;
};

Decision& switchTo(const Question& q, Decision& decision, const std::string& target,
                   const char* reason, std::string message) {
  if (const auto seconds = left(q.history.lastActionMs, q.policy.cooldownMs, q.nowMs)) {
    return say(decision, Action::Hold, "Cooldown",
               "the data is that of " + target + "; " + std::to_string(*seconds) +
                   " s of the cool-down after the last action are left");
  }
  decision.version = target;
  return say(decision, Action::Switch, reason, std::move(message));
}

Decision& switchTo(const Question& q, const Match& match, Decision& decision) {
  return switchTo(
      q, decision, match.target, "KnownData",
      awayText(decision, q.serving.version) + ", and " + decimal(match.distance) +
          " from that of " + match.nearest +
          (match.nearest == match.target ? "" : ", whose newest version is " + match.target));
}

Decision& retrain(const Question& q, Decision& decision, const char* reason, std::string message) {
  const auto action = left(q.history.lastActionMs, q.policy.cooldownMs, q.nowMs);
  const auto training = left(q.history.lastRetrainMs, q.policy.retrainCooldownMs, q.nowMs);
  if (action || training) {
    return say(decision, Action::Hold, "Cooldown",
               "the data is of a new kind; " +
                   std::to_string(std::max(action.value_or(0), training.value_or(0))) +
                   " s of the cool-down until a training may be asked for are left");
  }
  return say(decision, Action::Retrain, reason, std::move(message));
}

Decision& retrain(const Question& q, const Match& match, Decision& decision) {
  return retrain(q, decision, "UnknownData",
                 awayText(decision, q.serving.version) +
                     ", and no kept version was trained on such data (nearest: " + match.nearest +
                     ", " + decimal(match.distance) + ")" + incomparableText(match));
}

std::string errorText(const Decision& decision, const std::string& serving) {
  return "the error of " + serving + " on " + std::to_string(decision.labels) +
         (decision.labels == 1 ? " labelled row is " : " labelled rows is ") +
         decimal(decision.error.value_or(0)) + ", expected " +
         decimal(decision.referenceError.value_or(0));
}

Decision& switchByLabels(const Question& q, const Candidate& best, Decision& decision) {
  return switchTo(q, decision, best.version, "KnownRule",
                  errorText(decision, q.serving.version) + "; " + best.version +
                      " answers the same rows as well as it did its own");
}

// The labels' rule changed: only scores on the labelled rows since then tell which version knows
// it.
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
  if (change.n < q.policy.minSamples || (open && change.n < q.policy.maxLabels)) {
    return say(decision, Action::Hold, "CollectingLabels",
               errorText(decision, q.serving.version) +
                   "; more labelled rows are needed to tell whether a kept version knows better");
  }
  return retrain(q, decision, "UnknownRule",
                 errorText(decision, q.serving.version) +
                     ", and no kept version answers these rows as well as it did its own");
}

// Versions that fit the inputs, but whose errors on the rows since the alarm are not their own.
std::vector<std::string> refusedByLabels(const Question& q, std::int64_t sinceMs) {
  auto out = q.history.refused;
  if (q.labels.servingSince(sinceMs).n < q.policy.vetoLabels) return out;
  for (const auto& one : q.candidates) {
    if (one.version != q.serving.version && q.labels.verdict(one, sinceMs) == Verdict::Rejected)
      out.push_back(one.version);
  }
  return out;
}

// The alarm is on: what are the newest rows?
Decision& explain(const Question& q, Decision& decision) {
  const auto& stream = q.stream;
  decision.firstDriftedMs = stream.looks[stream.alarmFirst].firstMs;
  const Profile live = newestOfOneKind(stream, stream.alarmFirst, q.policy);
  const auto refused = refusedByLabels(q, *decision.firstDriftedMs);
  const MatchInput input{live, q.candidates, q.serving.version, stream.tolerance, refused};
  const auto match = matchVersions(input, q.policy);
  copyMatch(match, live, decision);
  if (const auto found = distance(live, *q.serving.profile)) {
    decision.score = found->effect;
    decision.z = found->z;
  }
  if (live.rows() < q.policy.minSamples) {
    std::int64_t since = 0;
    for (std::size_t i = stream.alarmFirst; i < stream.looks.size(); ++i)
      since += stream.looks[i].profile.rows();
    if (since >= 2 * q.policy.minSamples) {
      return say(decision, Action::Hold, "MixedStream",
                 "kinds of data take turns: the newest " + rowsText(live.rows()) +
                     " differ from those before; " + std::to_string(q.policy.minSamples) +
                     " of one kind are waited for");
    }
    return say(decision, Action::Hold, "CollectingRows",
               awayText(decision, q.serving.version) + "; " + std::to_string(q.policy.minSamples) +
                   " rows are needed to tell what they are");
  }
  if (match.servingAccepted && q.labels.alarm()) return byLabels(q, decision);
  if (match.servingAccepted) {
    decision.version = q.serving.version;
    decision.drifted = false;
    // Windows were away, but their rows together are not: such swings are its own.
    double most = 0;
    for (std::size_t i = stream.alarmFirst; i < stream.looks.size(); ++i) {
      if (matches(stream.looks[i].profile, live, q.policy))
        most = std::max(most, stream.looks[i].serving.effect);
    }
    if (decision.learnedTolerance && stream.looks.back().drifted) {
      decision.learnedTolerance =
          std::clamp(most, *decision.learnedTolerance,
                     std::max(*decision.learnedTolerance, q.policy.toleranceCap));
    }
    return say(decision, Action::Clear, "SameKindAsServing",
               "the last " + rowsText(live.rows()) + " are of the kind that " + q.serving.version +
                   " was trained on");
  }
  bool open = false;
  const auto* best = q.labels.best(refused, *decision.firstDriftedMs, open);
  if (!best && q.labels.servingFineSince(*decision.firstDriftedMs)) {
    const auto seen = q.labels.servingSince(*decision.firstDriftedMs);
    decision.version = q.serving.version;
    decision.error = seen.mean();
    decision.labels = seen.n;
    return say(decision, Action::Clear, "LabelsAgree",
               awayText(decision, q.serving.version) + ", but " +
                   errorText(decision, q.serving.version) + ": it answers such rows well");
  }
  const bool overrule =
      best && q.labels.servingSince(*decision.firstDriftedMs).n >= q.policy.vetoLabels;
  if (overrule && (match.ambiguous || match.target.empty()))
    return switchByLabels(q, *best, decision);
  if (match.ambiguous) {
    return say(decision, Action::Hold, "Ambiguous",
               "the last " + rowsText(live.rows()) + " fit " + match.nearest + " and " +
                   match.second + " (" + decimal(match.distance) + ", " +
                   decimal(match.distance + match.margin) + "); more rows will tell");
  }
  if (!match.target.empty()) return switchTo(q, match, decision);
  if (const auto mix = knownMix(input, q.policy)) {
    return say(decision, Action::Hold, "MixedRows",
               "the last " + rowsText(live.rows()) + " are a mix of known kinds: about " +
                   std::to_string(static_cast<int>(100 * mix->weight + 0.5)) + " % like " +
                   mix->first + ", the rest like " + mix->second +
                   "; waits until one of them is alone");
  }
  return retrain(q, match, decision);
}

// No alarm: what is learned as benign after a deployment may be the drift itself, if another
// version fits far better.
bool anotherFitsBetter(const Question& q, const MatchInput& input, const Match& match) {
  if (input.live.rows() < q.policy.minSamples || match.target.empty()) return false;
  const auto own = distance(input.live, *q.serving.profile);
  return own && own->effect > q.policy.toleranceFloor && significant(*own, q.policy) &&
         match.distance < q.policy.ratio * own->effect;
}

Decision& quiet(const Question& q, Decision& decision) {
  const auto& stream = q.stream;
  const MatchInput input{stream.recent, q.candidates, q.serving.version, stream.tolerance,
                         q.history.refused};
  const auto match = matchVersions(input, q.policy);
  copyMatch(match, stream.recent, decision);
  if (const auto found = distance(stream.recent, *q.serving.profile)) {
    decision.score = found->effect;
    decision.z = found->z;
  }
  if (alternates(stream)) {
    return say(decision, Action::Hold, "MixedStream",
               "kinds of data take turns: some of the last windows are of the kind of " +
                   q.serving.version + " and some are not");
  }
  if (stream.looks.back().drifted) {
    decision.firstDriftedMs = stream.looks.back().firstMs;
    return say(decision, Action::Hold, "Suspected",
               "the newest window is away from the training data of " + q.serving.version + "; " +
                   std::to_string(q.policy.windowsInARow) + " in a row make an alarm");
  }
  if (anotherFitsBetter(q, input, match)) {
    decision.drifted = true;
    decision.firstDriftedMs = stream.recentFirstMs;
    return switchTo(q, match, decision);
  }
  if (!stream.learned) {
    return say(decision, Action::Hold, "Learning",
               "learns how far live rows are from the training data of " + q.serving.version +
                   ": window " + std::to_string(stream.looks.size()) + " of " +
                   std::to_string(q.policy.learnWindows) +
                   "; only a strong drift counts until then");
  }
  decision.version = q.serving.version;
  return say(decision, Action::Clear, "NoDrift",
             "the last " + rowsText(decision.samples) + " are " + decimal(decision.score) +
                 " away from the training data of " + q.serving.version + " (tolerated " +
                 decimal(decision.tolerance) + ")");
}

}  // namespace

std::string_view to_string(Action action) {
  switch (action) {
    case Action::Hold: return "Hold";
    case Action::Clear: return "Clear";
    case Action::Switch: return "Switch";
    case Action::Retrain: return "Retrain";
  }
  return "Hold";
}

namespace {

// Only versions for what the rows say they are, and those that are for any.
std::vector<Candidate> ofContext(const std::vector<Candidate>& candidates,
                                 const std::string& name) {
  std::vector<Candidate> out;
  for (const auto& one : candidates) {
    if (one.context.empty() || one.context == name) out.push_back(one);
  }
  return out;
}

// Nothing where names do not settle it.
bool byContext(const Question& q, const ContextView& context, Decision& decision) {
  using State = ContextView::State;
  if (context.state == State::Mixed) {
    say(decision, Action::Hold, "MixedStream",
        "rows of several contexts come at once or take turns: " + context.text +
            "; with routing.byContext each goes to its version");
    return true;
  }
  if (context.state != State::Known && context.state != State::Unknown) return false;
  decision.drifted = true;
  decision.firstDriftedMs = context.firstMs;
  decision.samples = context.rows;
  decision.context = context.name;
  const std::string rows =
      "the last " + rowsText(context.rows) + " are of context '" + context.name + "'";
  if (context.rows < q.policy.minSamples) {
    say(decision, Action::Hold, "CollectingRows",
        rows + ", which " + q.serving.version + " is not for; " +
            std::to_string(q.policy.minSamples) + " rows are waited for");
  } else if (context.state == State::Known) {
    decision.nearest = context.version;
    switchTo(q, decision, context.version, "KnownContext",
             rows + ", which " + context.version + " is for");
  } else {
    retrain(q, decision, "UnknownContext", rows + ", which no kept version is for");
  }
  return true;
}

Decision& withoutLooks(const Question& q, std::int64_t otherBasis, Decision& decision) {
  if (q.labels.alarm()) return byLabels(q, decision);
  return say(decision, Action::Hold, "NoWindows",
             otherBasis > 0 ? std::to_string(otherBasis) + " windows of " + q.serving.version +
                                  " have another basis than its profile: its columns differ"
                            : "no window of " + q.serving.version + " with " +
                                  std::to_string(q.policy.minWindowRows) + " rows has closed yet");
}

Decision& byStatistics(const Question& q, Decision& decision) {
  decision.tolerance = q.stream.tolerance;
  decision.learnedTolerance = q.stream.learned;
  decision.drifted = q.stream.alarm;
  if (q.stream.alarm) return explain(q, decision);
  if (q.labels.alarm() && !q.stream.looks.back().drifted) return byLabels(q, decision);
  return quiet(q, decision);
}

}  // namespace

Decision decide(const std::vector<Window>& windows, const std::vector<Candidate>& candidates,
                const std::string& serving, const Policy& policy, const History& history,
                std::int64_t nowMs, const std::vector<LabelBlock>& labels) {
  Decision decision;
  std::vector<const Window*> named, own;
  for (const auto& window : windows) {
    if (window.servedVersion == serving) named.push_back(&window);
  }
  const auto context = readContext(named, candidates, serving, policy, history);
  const auto inContext = context.state == ContextView::State::Serving
                             ? ofContext(candidates, context.name)
                             : candidates;
  const LabelView view(labels, inContext, serving, policy, history, nowMs, named);
  decision.referenceError = view.reference();
  if (view.newest().n > 0) {
    decision.error = view.newest().mean();
    decision.labels = view.newest().n;
  }
  const Candidate absent{serving};
  const auto* candidate = servingOf(inContext, serving);
  Stream stream;
  const Question question{
      stream, candidate ? *candidate : absent, inContext, policy, history, nowMs, view};
  if (byContext(question, context, decision)) return decision;
  if (!candidate || !candidate->profile || candidate->profile->rows() < 4) {
    if (candidate && view.alarm()) return byLabels(question, decision);
    return say(decision, Action::Hold, "NoServingProfile",
               "version '" + serving +
                   "' has no profile of its training data, so nothing can be compared with it: "
                   "publish it with one");
  }
  for (const auto* window : named) {
    if (window->profile.basisId() == candidate->profile->basisId()) own.push_back(window);
  }
  auto learned = history.learnedTolerance;
  if (learned)
    learned = std::clamp(*learned, policy.toleranceFloor,
                         std::max(policy.toleranceFloor, policy.toleranceCap));
  stream = readStream(own, *candidate->profile, policy, learned);
  if (stream.looks.empty()) {
    const auto other = own.empty() ? static_cast<std::int64_t>(named.size()) : 0;
    return withoutLooks(question, other, decision);
  }
  return byStatistics(question, decision);
}

}  // namespace reprise::drift
