// The decision: pure, stateless, repeatable. All that it needs comes in; asked again with the same,
// it answers the same, so an operator that restarts goes on where it was.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "drift/distance.h"
#include "drift/profile.h"

namespace reprise::drift {

// One closed window of live rows, merged across Pods.
struct Window {
  std::string servedVersion;
  std::int64_t firstMs = 0, lastMs = 0;  // of its rows, Unix time in ms
  Profile profile;
  // Rows by what they said they are (header or field), where they said it. Names of callers are
  // bounded before they get here.
  std::map<std::string, std::int64_t> contexts;
};

// Errors of one version on answered rows whose labels came. Sums, so those of all Pods add up. Of
// the serving version it is its feedback; of another one its shadow score: what it would have
// answered to the same rows. Never on rows that the version was trained on.
struct LabelBlock {
  std::string version;
  std::int64_t firstMs = 0, lastMs = 0;  // when the rows were answered, not when the labels came
  std::int64_t n = 0;                    // labelled rows
  double errorSum = 0;    // 0 or 1 a row where answers are right or wrong; else a loss, ≥ 0
  double errorSqSum = 0;  // of its squares
  // The version that answered those rows, where it is known: only rows that the serving version
  // answered count. "": they are such.
  std::string answeredBy = {};
  // Of a shadow score: its rows whose error by the version that answered is known as well. What
  // that error is above this one, row by row: sum, and sum of squares. Of errors of 0 or 1 these
  // are the discordant rows of McNemar (1947): better less worse ones, and both. 0 pairs: not
  // known.
  std::int64_t pairs = 0;
  double gainSum = 0, gainSqSum = 0;
};

// Mean error on rows that a version has not seen in its training.
struct ReferenceError {
  double mean = 0;
  std::int64_t n = 0;  // rows, > 0
};

// A kept version, the serving one too. Those which cannot be compared are passed as well and are
// named in the message.
struct Candidate {
  std::string version;
  const Profile* profile = nullptr;         // nullptr: it has none
  std::int64_t createdMs = 0;               // the newest of several of the same kind is taken
  std::string context;                      // what it is for, by name; "": for any
  std::optional<ReferenceError> reference;  // absent: learned from its first labelled rows
};

struct Policy {
  std::int64_t minSamples =
      200;  // rows since the alarm before a match is trusted, or a training asked for
  std::int64_t minWindowRows =
      30;                 // smaller windows are joined with the next ones before they are looked at
  int windowsInARow = 2;  // drifted windows, until it is an alarm
  double zThreshold = 5;  // standard deviations
  double toleranceFloor = 0.01;  // effect, 0 … 1: below it nothing is drift
  double toleranceCap = 0.15;    // the most that may be learned as benign
  int learnWindows = 6;  // first windows after a deployment that the tolerance is learned from
  double ratio = 0.1;    // accepted by ratio: effect of the best below this share of the second's …
  double ratioMaxEffect = 0.1;               // … and below this
  std::int64_t cooldownMs = 60'000;          // after any action
  std::int64_t retrainCooldownMs = 600'000;  // after a training was asked for

  std::int64_t minLabels = 20;    // labelled rows, before they say anything
  std::int64_t vetoLabels = 150;  // … before they overrule what the inputs say
  std::int64_t maxLabels = 300;   // … after which the likelier of two answers is taken
  double minErrorRise = 0.06;     // above the reference, of an error of 0 … 1; others: in their sd
  double minGain = 0.03;  // of a kept version on the same rows, to raise an alarm: as minErrorRise
  // Labelled errors above the reference, since the change, before a training is asked for: it takes
  // longer than to wait for them. Errors that are not within 0 … 1: in two of their sd.
  double trainingErrors = 80;
  std::int64_t freshLabels = 500;  // rows that labels may lag; if more, maxLabelLag counts too
  double maxLabelLag = 0.5;  // labels that lag more than this share of what kinds last do not act
};

struct History {
  std::optional<std::int64_t> lastActionMs;  // the last Switch or Retrain that was acted on
  std::optional<std::int64_t> lastRetrainMs;
  std::optional<double> learnedTolerance;  // of the serving version, as an earlier Decision gave it
  std::vector<std::string> refused;  // versions a switch to which failed verification or analysis
  // Since when the serving version answers. Labels of rows before it are not looked at: they are
  // about the kind of data that it was chosen to leave behind.
  std::optional<std::int64_t> activeSinceMs;
  // When the kind of data began that it was chosen for: Decision::firstDriftedMs of that Switch.
  std::optional<std::int64_t> changedMs;
};

struct Ranked {
  std::string version;
  Distance distance;
  bool accepted = false;
};

struct Decision {
  enum class Action { Hold, Clear, Switch, Retrain };
  Action action = Action::Hold;
  std::string version;          // Switch: to it. Clear: the serving one
  bool drifted = false;         // the alarm is on
  double score = 0;             // effect of the live rows against the serving version, 0 … 1
  double z = 0;                 // its significance
  double tolerance = 0;         // the effect that the score is held against
  double distance = 0;          // effect of the live rows against `nearest`
  double margin = 0;            // effect of `second` - distance; 1 - distance if there is no second
  std::int64_t samples = 0;     // rows that the match used
  std::string context;          // what the newest rows say they are, where that decided
  std::string nearest, second;  // kept versions; second is of another kind than nearest
  std::vector<Ranked> ranked;   // nearest first
  std::string reason;           // one CamelCase token, below
  std::string message;          // a sentence for people
  std::optional<double>
      learnedTolerance;  // keep it, and give it back in History until another version serves
  std::optional<std::int64_t> firstDriftedMs;
  // From labels, where there are any: the serving version's error since the change, else of its
  // newest rows, and what it is held against.
  std::optional<double> error, referenceError;
  std::int64_t labels = 0;  // that `error` is of
};

// Reasons. Hold: NoWindows NoServingProfile Suspected CollectingRows CollectingLabels RuleMoving
// LateLabels Learning MixedStream Ambiguous Cooldown. Clear: NoDrift SameKindAsServing LabelsAgree.
// Switch: KnownData KnownRule KnownContext. Retrain: UnknownData UnknownRule UnknownContext.
std::string_view to_string(Decision::Action action);

// `windows`: closed ones, oldest first, of the serving version since it became active; others are
// left out. `labels`: in any order, those of the serving version and of the kept ones.
Decision decide(const std::vector<Window>& windows, const std::vector<Candidate>& candidates,
                const std::string& serving, const Policy& policy, const History& history,
                std::int64_t nowMs, const std::vector<LabelBlock>& labels = {});

// Whether `version` was made of the kind of data that `live` is: asked when a new version appears.
// False too where they cannot be compared. `live` should have policy.minSamples rows.
bool matches(const Profile& live, const Profile& version, const Policy& policy);

}  // namespace reprise::drift
