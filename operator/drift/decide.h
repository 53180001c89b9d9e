// The decision: pure, stateless, repeatable. All that it needs comes in; asked again with the same,
// it answers the same, so an operator that restarts goes on where it was.
#pragma once

#include <cstdint>
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
};

// A kept version, the serving one too. Those which cannot be compared are passed as well and are
// named in the message.
struct Candidate {
  std::string version;
  const Profile* profile = nullptr;  // nullptr: it has none
  std::int64_t createdMs = 0;        // the newest of several of the same kind is taken
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
  double ratio = 0.25;   // accepted by ratio: effect of the best below this share of the second's …
  double ratioMaxEffect = 0.1;               // … and below this
  std::int64_t cooldownMs = 60'000;          // after any action
  std::int64_t retrainCooldownMs = 600'000;  // after a training was asked for
};

struct History {
  std::optional<std::int64_t> lastActionMs;  // the last Switch or Retrain that was acted on
  std::optional<std::int64_t> lastRetrainMs;
  std::optional<double> learnedTolerance;  // of the serving version, as an earlier Decision gave it
  std::vector<std::string> refused;  // versions a switch to which failed verification or analysis
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
  std::string nearest, second;  // kept versions; second is of another kind than nearest
  std::vector<Ranked> ranked;   // nearest first
  std::string reason;           // one CamelCase token, below
  std::string message;          // a sentence for people
  std::optional<double>
      learnedTolerance;  // keep it, and give it back in History until another version serves
  std::optional<std::int64_t> firstDriftedMs;
};

// Reasons. Hold: NoWindows NoServingProfile Suspected CollectingRows Learning MixedRows MixedStream
// Ambiguous Cooldown. Clear: NoDrift SameKindAsServing. Switch: KnownData. Retrain: UnknownData.
std::string_view to_string(Decision::Action action);

// `windows`: closed ones, oldest first, of the serving version since it became active; others are
// left out.
Decision decide(const std::vector<Window>& windows, const std::vector<Candidate>& candidates,
                const std::string& serving, const Policy& policy, const History& history,
                std::int64_t nowMs);

// Whether `version` was made of the kind of data that `live` is: asked when a new version appears.
// False too where they cannot be compared. `live` should have policy.minSamples rows.
bool matches(const Profile& live, const Profile& version, const Policy& policy);

}  // namespace reprise::drift
