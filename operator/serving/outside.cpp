#include "serving/outside.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>

#include "api/labels.h"
#include "drift/labels.h"
#include "drift/match.h"
#include "serving/decisions.h"
#include "serving/drift_status.h"
#include "serving/live.h"
#include "serving/routing.h"
#include "serving/versions.h"

namespace reprise::serving {
namespace {

constexpr std::size_t kMaxSignals = 16;
constexpr Milliseconds kSecretAgain{30'000};
// Labels that have not come by then are not held back for.
constexpr Milliseconds kAwaitLabels{15 * 60'000};
constexpr const char* kPrometheus = "Prometheus";
constexpr const char* kWebhook = "Webhook";

// All that the steps below work on.
struct Listening {
  const Snapshot& snapshot;
  api::ModelDeploymentStatus& status;
  std::vector<api::EventDraft>& events;
  std::optional<Milliseconds> again;

  const api::ModelDeploymentSpec& spec() const { return snapshot.deployment->spec; }
  const api::DriftSource& source() const { return spec().drift->source; }
  api::OutsideStatus& outside() const { return *status.outside; }
};

// --- what came

bool choosableNow(const Listening& now, const std::string& name) {
  const auto all = choosable(now.snapshot, now.status);
  return std::any_of(all.begin(), all.end(),
                     [&](const auto* version) { return version->meta.name == name; });
}

// Where routing says which key of spec.context requests are named by, that one; else any.
bool isFor(const Listening& now, const api::ModelVersion& version, const std::string& context) {
  if (routes(*now.snapshot.deployment)) return contextOf(now.snapshot, version) == context;
  return std::any_of(version.spec.context.begin(), version.spec.context.end(),
                     [&](const auto& one) { return one.second == context; });
}

// The newest that carries it; "" if none does.
std::string versionFor(const Listening& now, const std::string& context) {
  for (const auto* version : choosable(now.snapshot, now.status)) {  // newest first
    if (isFor(now, *version, context)) return version->meta.name;
  }
  return {};
}

api::HandledSignal noted(const OutsideEvent& event, const char* result, std::string message,
                         Time now) {
  return {event.id, event.source, now, result, std::move(message)};
}

const api::HandledSignal* handled(const api::OutsideStatus& outside, const std::string& id,
                                  const std::string& source) {
  for (const auto& one : outside.signals) {
    if (one.id == id && one.source == source) return &one;
  }
  return nullptr;
}

api::HandledSignal cleared(Listening& now, const OutsideEvent& event) {
  auto& alarm = now.outside().alarm;
  const Time at = now.snapshot.now;
  if (!alarm || alarm->source != kWebhook)
    return noted(event, "Ignored", "there was no alarm of the webhook to clear", at);
  // One sender does not clear what another one says.
  if (!handled(now.outside(), alarm->id, event.source))
    return noted(event, "Ignored", "the alarm was raised by another source", at);
  alarm.reset();
  return noted(event, "Cleared", "the alarm is over", at);
}

api::HandledSignal taken(Listening& now, const OutsideEvent& event) {
  const Time at = now.snapshot.now;
  const std::string& active = now.status.active;
  if (!now.source().webhook)
    return noted(event, "Ignored", "spec.drift.source.webhook was taken away", at);
  if (active.empty()) return noted(event, "Ignored", "nothing serves yet", at);
  if (!event.drifted) return cleared(now, event);
  if (!event.version.empty()) {
    if (event.version == active)
      return noted(event, "Ignored", "version " + event.version + " serves already", at);
    if (!choosableNow(now, event.version)) {
      return noted(event, "Ignored",
                   "version '" + event.version + "' is not one of model '" + now.spec().model +
                       "' that may be served here (kubectl get mv lists them)",
                   at);
    }
  } else if (!event.context.empty()) {
    const auto* serving = findVersion(now.snapshot, active);
    if (serving && isFor(now, *serving, event.context)) {
      return noted(event, "Ignored",
                   "what serves, " + active + ", is for context '" + event.context + "'", at);
    }
  }
  now.outside().alarm = api::DriftAlarm{
      kWebhook,      event.id,      event.at,     event.score ? decimal(*event.score, "%.6g") : "",
      event.version, event.context, event.message};
  return noted(event, "Alarm", "", at);
}

void takeEvents(Listening& now) {
  auto& signals = now.outside().signals;
  for (const auto& event : now.snapshot.outside.events) {
    if (handled(now.outside(), event.id, event.source)) continue;
    auto entry = taken(now, event);
    signals.push_back(std::move(entry));
    if (signals.size() > kMaxSignals) signals.erase(signals.begin());
  }
}

bool isAbove(const Listening& now) {
  const auto& prometheus = *now.source().prometheus;
  return *now.snapshot.outside.value > std::strtod(prometheus.threshold.c_str(), nullptr);
}

// A level, not an event: it raises the alarm as long as it is above, and takes it back once it is
// not.
void readPrometheus(Listening& now) {
  auto& alarm = now.outside().alarm;
  const bool own = alarm && alarm->source == kPrometheus;
  if (!now.source().prometheus) {
    if (own) alarm.reset();
    return;
  }
  if (!now.snapshot.outside.value || now.status.active.empty()) return;
  const bool above = isAbove(now);
  if (own && !above) alarm.reset();
  if (alarm || !above) return;
  api::DriftAlarm next;
  next.source = kPrometheus;
  next.since = now.snapshot.now;
  next.score = decimal(*now.snapshot.outside.value, "%.6g");
  next.message = "the query gave " + next.score + ", above the threshold " +
                 now.source().prometheus->threshold;
  alarm = std::move(next);
}

// --- what is done about it

// The alarm stays, and says what it waits for. No numbers that change by themselves: each change
// would be a write.
void hold(Listening& now, std::string reason, std::string message) {
  now.outside().reason = std::move(reason);
  now.outside().message = std::move(message);
}

void holdUntil(Listening& now, Time until, const std::string& of) {
  now.outside().reason = "Cooldown";
  now.outside().message = "the cool-down after " + of + " ends at " + formatTime(until);
  now.again = until - now.snapshot.now;
}

std::string said(const api::DriftAlarm& alarm) {
  return alarm.source + " says that the data moved" +
         (alarm.message.empty() ? "" : " (" + alarm.message + ")");
}

api::DecisionRecord recordOf(const Listening& now, const char* action, const char* reason,
                             const std::string& message) {
  const auto& alarm = *now.outside().alarm;
  api::DecisionRecord out;
  out.signal = alarm.source;
  out.action = action;
  out.from = now.status.active;
  out.reason = reason;
  out.message = said(alarm) + ": " + message;
  out.driftSeen = alarm.since;
  return out;
}

void answered(Listening& now) {
  now.outside().lastAction = now.snapshot.now;
  now.outside().alarm.reset();
  hold(now, "", "");
}

void switchTo(Listening& now, const std::string& version, const char* reason,
              const std::string& message, const drift::Match* match = nullptr) {
  if (!now.spec().version.auto_) {
    return hold(now, "VersionHeld",
                "spec.version.name holds " + now.spec().version.name +
                    ": set spec.version.auto: {} to let signals switch");
  }
  if (!now.spec().drift->onDrift.switch_) {
    return hold(now, "NoSwitch",
                "a switch to " + version +
                    " is asked for, and spec.drift.onDrift.switch is left out: set it");
  }
  auto entry = recordOf(now, "Switch", reason, message);
  entry.to = version;
  if (match) {
    entry.distance = decimal(match->distance);
    entry.margin = decimal(match->margin);
  }
  decided(now.snapshot, now.status, std::move(entry), now.events);
  now.status.target = version;
  now.status.targetSince = now.snapshot.now;
  answered(now);
}

void retrain(Listening& now, const char* reason, const std::string& message,
             const drift::Match* match = nullptr) {
  if (now.status.retrain) {
    return hold(now, "RetrainPending",
                "a run has been asked for" +
                    (now.status.retrain->run.empty() ? "" : ": " + now.status.retrain->run));
  }
  if (auto refusal = cannotRetrain(now.snapshot))
    return hold(now, refusal->reason, refusal->message);
  const Milliseconds cooldown{policy(now.spec()).retrainCooldownMs};
  auto last = now.outside().lastRetrain;
  if (const auto* decision = lastDecision(now.status, {"Retrain"}); decision && decision->time)
    last = std::max(last.value_or(*decision->time), *decision->time);
  if (last && *last + cooldown > now.snapshot.now)
    return holdUntil(now, *last + cooldown, "the last training that was asked for");
  auto entry = recordOf(now, "Retrain", reason, message);
  if (match) {
    entry.distance = decimal(match->distance);
    entry.margin = decimal(match->margin);
  }
  requestRun(now.snapshot, now.status, std::move(entry),
             namedContext(now.snapshot, now.outside().alarm->context), now.events);
  now.outside().lastRetrain = now.snapshot.now;
  answered(now);
}

// The rows since the alarm, of the serving version's basis.
drift::Profile rowsSince(const Listening& now, const std::string& basisId, bool& otherBasis) {
  drift::Profile out;
  const auto since = now.outside().alarm->since->time_since_epoch().count();
  for (const auto& window : liveWindows(now.snapshot, now.status)) {
    if (window.firstMs < since) continue;  // rows of before are of the kind before
    if (window.profile.basisId() != basisId) {
      otherBasis = true;
    } else if (!out.merge(window.profile)) {
      break;  // too many rows: those that are there will do
    }
  }
  return out;
}

// What the labels say of an alarm that names nothing.
enum class Labels {
  Silent,  // none come, or too few
  Agree,   // the serving version's error on rows since the alarm is what it was
  Awaited  // they come: those of the rows since the alarm may still say so
};

Labels askTheLabels(Listening& now) {
  const auto rules = policy(now.spec());
  const auto since = now.outside().alarm->since->time_since_epoch().count();
  const auto nowMs = now.snapshot.now.time_since_epoch().count();
  const auto windows = liveWindows(now.snapshot, now.status);
  std::vector<const drift::Window*> own;
  std::int64_t rows = 0;
  for (const auto& window : windows) {
    own.push_back(&window);
    if (window.firstMs >= since) rows += window.profile.rows();
  }
  const auto candidates = keptVersions(now.snapshot, now.status);
  const auto history =
      historyOf(now.status, now.status.active, now.status.drift, now.status.activeSince);
  const drift::LabelView view(now.snapshot.labels, candidates, now.status.active, rules, history,
                              nowMs, own);
  if (!view.any() || view.alarm()) return Labels::Silent;
  if (view.servingFineSince(since)) return Labels::Agree;
  if (view.servingSince(since).n >= rules.vetoLabels) return Labels::Silent;
  const auto maxAge = parseDuration(now.spec().drift->window.maxAge).value_or(kAwaitLabels);
  const auto until = since + std::min(maxAge, kAwaitLabels).count();
  const bool come = view.newest().lastMs >= since - kAwaitLabels.count();
  if (!come || nowMs >= until || rows >= rules.minSamples + rules.freshLabels)
    return Labels::Silent;
  now.again = Milliseconds(until - nowMs);
  return Labels::Awaited;
}

void holdForLabels(Listening& now) {
  hold(now, "LabelsAgree",
       "the labels of the rows since then say that " + now.status.active +
           " answers as well as before: nothing is done until they say otherwise");
}

// A training costs most: where labels come, they are heard first.
void retrainUnlessLabels(Listening& now, Labels labels, const char* reason,
                         const std::string& message, const drift::Match* match = nullptr) {
  if (labels != Labels::Awaited) return retrain(now, reason, message, match);
  hold(now, "CollectingLabels",
       "the labels of the rows since the alarm are waited for before a training is asked for");
}

void askTheRows(Listening& now, Labels labels) {
  const auto found = now.snapshot.profiles.find(now.status.active);
  const auto* serving = found == now.snapshot.profiles.end() ? nullptr : &found->second->profile;
  bool otherBasis = false;
  drift::Profile live;
  if (serving) live = rowsSince(now, serving->basisId(), otherBasis);
  if (!serving || (otherBasis && live.rows() == 0)) {
    return retrainUnlessLabels(
        now, labels, "OutsideAlarm",
        "the rows cannot be compared with the training data of " + now.status.active);
  }
  const auto rules = policy(now.spec());
  if (live.rows() < rules.minSamples) {
    return hold(now, "CollectingRows",
                std::to_string(rules.minSamples) +
                    " rows since the alarm are waited for, to tell what they are");
  }
  const auto candidates = keptVersions(now.snapshot, now.status);
  double tolerance = rules.toleranceFloor;
  if (now.status.drift && !now.status.drift->tolerance.empty())
    tolerance = std::strtod(now.status.drift->tolerance.c_str(), nullptr);
  const drift::MatchInput input{live, candidates, now.status.active, tolerance,
                                now.status.rejected};
  const auto match = drift::matchVersions(input, rules);
  const std::string rows = "the " + std::to_string(live.rows()) + " rows since then ";
  if (match.servingAccepted) {
    return retrainUnlessLabels(
        now, labels, "AlarmSameInputs",
        rows + "are as those that " + now.status.active +
            " was trained on, so something else moved, such as the rule of the labels",
        &match);
  }
  if (match.ambiguous) {
    return hold(now, "Ambiguous",
                "the rows since the alarm fit " + match.nearest + " and " + match.second +
                    ": more rows will tell");
  }
  if (!match.target.empty()) {
    return switchTo(
        now, match.target, "AlarmKnownData",
        rows + "are " + decimal(match.distance) + " from the training data of " + match.nearest,
        &match);
  }
  if (const auto mix = drift::knownMix(input, rules)) {
    return hold(now, "MixedStream",
                "the rows since the alarm are a mix of those of " + mix->first + " and " +
                    mix->second + ": one of them alone is waited for");
  }
  retrainUnlessLabels(now, labels, "AlarmUnknownData",
                      rows + "are not as those that any kept version was trained on (nearest: " +
                          match.nearest + ", " + decimal(match.distance) + ")",
                      &match);
}

void decide(Listening& now) {
  const api::DriftAlarm alarm = *now.outside().alarm;
  if (!alarm.version.empty()) {
    if (choosableNow(now, alarm.version))
      return switchTo(now, alarm.version, "NamedVersion", "it names " + alarm.version);
    return hold(
        now, "VersionNotFound",
        "version '" + alarm.version + "', which the event names, may not be served any more");
  }
  if (!alarm.context.empty()) {
    const std::string version = versionFor(now, alarm.context);
    if (!version.empty()) {
      return switchTo(now, version, "KnownContext",
                      "it is of context '" + alarm.context + "', which " + version + " is for");
    }
    return retrain(now, "UnknownContext",
                   "it is of context '" + alarm.context + "', which no kept version is for");
  }
  const Labels labels = askTheLabels(now);
  if (labels == Labels::Agree) return holdForLabels(now);
  if (now.source().monitor) return askTheRows(now, labels);
  retrainUnlessLabels(now, labels, "OutsideAlarm",
                      "no version or context is named, and no rows are watched");
}

std::optional<Time> coolUntil(const Listening& now) {
  const bool webhook = now.outside().alarm->source == kWebhook;
  const std::string& text = webhook && now.source().webhook ? now.source().webhook->cooldown
                            : now.source().prometheus       ? now.source().prometheus->cooldown
                                                            : "";
  const auto cooldown = parseDuration(text).value_or(std::chrono::minutes(10));
  std::optional<Time> out;
  if (const auto last = now.outside().lastAction) out = *last + cooldown;
  // Nor right after an action that the rows caused.
  if (const auto* last = lastDecision(now.status, {"Switch", "Retrain"}); last && last->time) {
    const Time until = *last->time + Milliseconds(policy(now.spec()).cooldownMs);
    out = std::max(out.value_or(until), until);
  }
  return out;
}

// What was decided since by others was decided about the same data.
bool overtaken(const Listening& now) {
  const auto since = now.outside().alarm->since;
  const auto& all = now.status.decisions;
  return since && std::any_of(all.begin(), all.end(), [&](const api::DecisionRecord& one) {
           const bool action = one.action == "Switch" || one.action == "Retrain" ||
                               one.action == "Promote" || one.action == "Deploy";
           return action && one.context.empty() && one.time && *one.time > *since;
         });
}

void answer(Listening& now) {
  auto& outside = now.outside();
  if (outside.alarm && overtaken(now)) outside.alarm.reset();
  if (!outside.alarm) return hold(now, "", "");
  if (now.spec().paused)
    return hold(now, "Paused", "spec.paused is true: set it to false to let signals act");
  if (!now.status.target.empty())
    return hold(now, "RollingOut", now.status.target + " is being made ready: one at a time");
  if (const auto until = coolUntil(now); until && *until > now.snapshot.now)
    return holdUntil(now, *until, "the last action");
  decide(now);
}

bool nothingToKeep(const api::OutsideStatus& outside) {
  return !outside.alarm && outside.signals.empty() && !outside.lastAction && !outside.lastRetrain;
}

bool listens(const api::ModelDeploymentSpec& spec) {
  return spec.drift && (spec.drift->source.prometheus || spec.drift->source.webhook);
}

}  // namespace

std::optional<Milliseconds> listenOutside(const Snapshot& snapshot,
                                          api::ModelDeploymentStatus& status,
                                          std::vector<api::EventDraft>& events) {
  if (!listens(snapshot.deployment->spec)) {
    status.outside.reset();
    return std::nullopt;
  }
  if (!status.outside) status.outside.emplace();
  Listening now{snapshot, status, events, std::nullopt};
  takeEvents(now);
  auto& alarm = status.outside->alarm;
  if (alarm && alarm->source == kWebhook && !now.source().webhook) alarm.reset();
  readPrometheus(now);
  answer(now);
  if (nothingToKeep(*status.outside)) status.outside.reset();
  // A Secret that is mended wakes nobody: none is watched.
  if (!snapshot.outside.keyReason.empty())
    now.again = std::min(now.again.value_or(kSecretAgain), kSecretAgain);
  return now.again;
}

std::optional<Hearing> hearing(const Snapshot& snapshot) {
  const auto& spec = snapshot.deployment->spec;
  if (!listens(spec)) return std::nullopt;
  const auto& facts = snapshot.outside;
  const auto& source = spec.drift->source;
  if (source.webhook && !facts.webhookOn) {
    return Hearing{"False", "WebhookOff",
                   "spec.drift.source.webhook is set, and the operator's webhook is not open: "
                   "install the chart with webhook.enabled=true"};
  }
  if (source.webhook && !facts.keyReason.empty())
    return Hearing{"False", facts.keyReason, facts.keyMessage};
  if (source.prometheus && !facts.asked)
    return Hearing{"Unknown", "NotAsked", "Prometheus has not been asked yet"};
  if (source.prometheus && !facts.value) return Hearing{"False", facts.reason, facts.message};
  return Hearing{"True", "Listening", "the sources outside can be heard"};
}

std::optional<Hearing> outsideDrift(const Snapshot& snapshot,
                                    const api::ModelDeploymentStatus& status) {
  const auto& spec = snapshot.deployment->spec;
  if (!listens(spec)) return std::nullopt;
  if (status.outside && status.outside->alarm) {
    const auto& outside = *status.outside;
    const bool agree = outside.reason == "LabelsAgree";
    return Hearing{agree ? "False" : "True",
                   outside.reason.empty() ? "OutsideAlarm" : outside.reason,
                   said(*outside.alarm) + "; " + outside.message};
  }
  if (spec.drift->source.monitor) return std::nullopt;  // the rows say it
  if (status.retrain)
    return Hearing{"True", "RetrainPending", "a run has been asked for and has not ended"};
  if (const auto heard = hearing(snapshot); heard && heard->status != std::string_view("True"))
    return Hearing{"Unknown", heard->reason, heard->message};
  return Hearing{"False", "NoAlarm", "nobody outside says that the data moved"};
}

}  // namespace reprise::serving
