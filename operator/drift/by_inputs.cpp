#include "drift/by_inputs.h"

#include <algorithm>

#include "drift/by_labels.h"
#include "drift/match.h"
#include "drift/training_distance.h"

namespace reprise::drift {

using Action = Decision::Action;

namespace {

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

bool alternates(const Stream& stream) {
  const std::size_t count = std::min(kMixedLooks, stream.looks.size());
  const auto drifted = static_cast<std::size_t>(
      std::count_if(stream.looks.end() - static_cast<std::ptrdiff_t>(count), stream.looks.end(),
                    [](const auto& look) { return look.drifted; }));
  return drifted >= 2 && count - drifted >= 2;
}

Decision& switchTo(const Question& q, const Match& match, Decision& decision) {
  return switchTo(
      q, decision, match.target, "KnownData",
      awayText(decision, q.serving.version) + ", and " + decimal(match.distance) +
          " from that of " + match.nearest +
          (match.nearest == match.target ? "" : ", whose newest version is " + match.target));
}

Decision& retrain(const Question& q, const Match& match, Decision& decision) {
  return retrain(q, decision, "UnknownData",
                 awayText(decision, q.serving.version) +
                     ", and no kept version was trained on such data (nearest: " + match.nearest +
                     ", " + decimal(match.distance) + ")" + incomparableText(match));
}

}  // namespace

Decision& explain(const Question& q, Decision& decision) {
  const auto& stream = q.stream;
  decision.firstDriftedMs = stream.looks[stream.alarmFirst].firstMs;
  const Profile live = newestOfOneKind(stream, stream.alarmFirst, q.policy);
  const auto refused = refusedByLabels(q, *decision.firstDriftedMs);
  const MatchInput input{live,    q.candidates,     q.serving.version, stream.tolerance,
                         refused, stream.dependence};
  const auto match = matchVersions(input, q.policy);
  copyMatch(match, live, decision);
  if (const auto found = trainingDistance(live, *q.serving.profile, stream.dependence)) {
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
    // Windows were away, but their rows together are not: such swings are its own. As far as they
    // are more than the chance of small windows, which would be learned as benign otherwise.
    double most = 0;
    for (std::size_t i = stream.alarmFirst; i < stream.looks.size(); ++i) {
      const auto& look = stream.looks[i];
      if (matches(look.profile, live, q.policy))
        most = std::max(most, look.serving.effect - 2 * look.serving.noise);
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
  if (match.unsure) {
    return say(decision, Action::Hold, "Ambiguous",
               awayText(decision, q.serving.version) + " and " + decimal(match.distance) +
                   " from that of " + match.nearest +
                   "; more rows will tell whether they are of a kind that is known");
  }
  if (const auto mix = knownMix(input, q.policy)) {
    return say(decision, Action::Hold, "MixedStream",
               "the last " + rowsText(live.rows()) + " are a mix of known kinds: about " +
                   std::to_string(static_cast<int>(100 * mix->weight + 0.5)) + " % like " +
                   mix->first + ", the rest like " + mix->second +
                   "; waits until one of them is alone");
  }
  return retrain(q, match, decision);
}

namespace {

// No alarm: what is learned as benign after a deployment may be the drift itself, if another
// version fits far better.
bool anotherFitsBetter(const Question& q, const MatchInput& input, const Match& match) {
  if (input.live.rows() < q.policy.minSamples || match.target.empty()) return false;
  const auto own = trainingDistance(input.live, *q.serving.profile, input.dependence);
  return own && own->effect > q.policy.toleranceFloor && significant(*own, q.policy) &&
         match.distance < q.policy.ratio * own->effect;
}

}  // namespace

Decision& quiet(const Question& q, Decision& decision) {
  const auto& stream = q.stream;
  const MatchInput input{stream.recent,    q.candidates,      q.serving.version,
                         stream.tolerance, q.history.refused, stream.dependence};
  const auto match = matchVersions(input, q.policy);
  copyMatch(match, stream.recent, decision);
  if (const auto found = trainingDistance(stream.recent, *q.serving.profile, stream.dependence)) {
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

}  // namespace reprise::drift
