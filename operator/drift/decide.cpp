#include "drift/decide.h"

#include <algorithm>

#include "drift/answer.h"
#include "drift/by_inputs.h"
#include "drift/by_labels.h"
#include "drift/context.h"

namespace reprise::drift {

using Action = Decision::Action;

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

const Candidate* servingOf(const std::vector<Candidate>& candidates, const std::string& serving) {
  const auto it = std::find_if(candidates.begin(), candidates.end(),
                               [&](const auto& one) { return one.version == serving; });
  return it == candidates.end() ? nullptr : &*it;
}

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
