#include "drift/match.h"

#include <algorithm>

#include "drift/looks.h"
#include "drift/names.h"
#include "drift/training_distance.h"

namespace reprise::drift {
namespace {

constexpr std::int64_t kLeastTrainingRows =
    30;                               // with fewer nothing is significant, and all would match
constexpr double kLeastShare = 0.08;  // of the smaller part of a mix: less is no mix
constexpr double kKindsApart = 0.1;   // effect between kinds whose mix can be told from both …
constexpr double kKindsNear = 0.02;   // … or that, where it also is as near as returns are
constexpr std::int64_t kPatience =
    4;                           // times minSamples, until the nearest of two that fit is taken
constexpr double kNearer = 0.5;  // of the serving version's effect, that one which fits is below
constexpr double kAlike =
    0.25;  // … and that one which is significantly away is below, if it is of the same kind still
constexpr double kReturnZ = 3;  // standard deviations that a return is seldom beyond

// Whether its training says anything.
bool usable(const Candidate& candidate) {
  return candidate.profile && candidate.profile->rows() >= kLeastTrainingRows;
}

bool fits(const Distance& distance, const Policy& policy) {
  if (distance.effect >= policy.ratioMaxEffect) return false;
  return distance.effect < policy.toleranceFloor || !significant(distance, policy);
}

// Of a version that does not serve. That it is not significantly away says little of few rows: a
// new kind beside it would not be either. So its effect must be low by more than chance, below the
// floor or half of the serving version's; and it must be as near as returns are, or of an effect
// that is small beside the serving version's. More rows show one or the other.
enum class Fit { No, Unsure, Yes };
Fit fitOf(const Distance& distance, double servingEffect, std::int64_t rows, const Policy& policy) {
  if (!fits(distance, policy)) return Fit::No;
  const double alike = std::min(policy.toleranceFloor, kAlike * servingEffect);
  const bool near = distance.effect < alike || distance.z < kReturnZ;
  if (rows >= kPatience * policy.minSamples) return near ? Fit::Yes : Fit::No;
  const double limit = std::max(policy.toleranceFloor, kNearer * servingEffect);
  return near && distance.effect + kSure * distance.noise <= limit ? Fit::Yes : Fit::Unsure;
}

const Candidate* find(const std::vector<Candidate>& candidates, const std::string& version) {
  const auto it = std::find_if(candidates.begin(), candidates.end(),
                               [&](const auto& one) { return one.version == version; });
  return it == candidates.end() ? nullptr : &*it;
}

bool sameKind(const std::vector<Candidate>& candidates, const std::string& a, const std::string& b,
              const Policy& policy) {
  return matches(*find(candidates, a)->profile, *find(candidates, b)->profile, policy);
}

void rank(const MatchInput& input, Match& out) {
  for (const auto& candidate : input.candidates) {
    const auto found = usable(candidate)
                           ? distance(input.live, *candidate.profile, input.dependence)
                           : Expected<Distance>(fail(ErrorCode::InvalidArgument, ""));
    if (found)
      out.ranked.push_back({candidate.version, *found, false});
    else
      out.incomparable.push_back(candidate.version);
  }
  // Unclamped: two that are both nearer than sampling can tell still have an order. Names make it
  // complete.
  std::sort(out.ranked.begin(), out.ranked.end(), [](const auto& a, const auto& b) {
    return a.distance.mmd2 != b.distance.mmd2 ? a.distance.mmd2 < b.distance.mmd2
                                              : a.version < b.version;
  });
}

bool explains(const Mixture& mix, const Policy& policy) {
  return mix.z <= policy.zThreshold || mix.effect <= policy.toleranceFloor;
}

// Whether the live rows and that version's training differ by rows of another kept version alone,
// in one or the other: it was trained while kinds came together, or they come together now.
bool differByMix(const MatchInput& input, const Candidate& candidate, const Policy& policy) {
  const auto explained = [&](const Profile& mix, const Profile& part, const Profile& other) {
    const auto nearest = nearestMixture(mix, part, other, input.dependence);
    return nearest && explains(*nearest, policy);
  };
  const auto& own = *candidate.profile;
  return std::any_of(input.candidates.begin(), input.candidates.end(), [&](const auto& other) {
    return usable(other) && other.version != candidate.version &&
           (explained(own, input.live, *other.profile) ||
            explained(input.live, own, *other.profile));
  });
}

void choose(const MatchInput& input, const Policy& policy, Match& out) {
  const Ranked* second = nullptr;
  const auto& nearest = out.ranked.front();
  for (const auto& one : out.ranked) {
    if (!second && !sameKind(input.candidates, one.version, nearest.version, policy) &&
        one.version != nearest.version)
      second = &one;
  }
  out.nearest = nearest.version;
  out.distance = nearest.distance.effect;
  out.margin = 1 - out.distance;
  if (second) {
    out.second = second->version;
    out.margin = second->distance.effect - out.distance;
  }
  const bool farSecond = second && significant(second->distance, policy) &&
                         nearest.distance.effect < policy.ratio * second->distance.effect;
  // By ratio only where another version than the serving one is nearest: that something else is
  // farther does not make a drifted version right.
  const auto byRatio = [&](const Ranked& one) {
    return farSecond && one.version == nearest.version &&
           one.distance.effect < policy.ratioMaxEffect &&
           differByMix(input, *find(input.candidates, one.version), policy);
  };
  double servingEffect = 0;
  for (const auto& one : out.ranked) {
    if (one.version == input.serving) servingEffect = one.distance.effect;
  }
  const Candidate* target = nullptr;
  for (auto& one : out.ranked) {
    if (one.version == input.serving) {
      // As the alarm asks it; the order of versions is by what all their rows say.
      const auto own = *trainingDistance(input.live, *find(input.candidates, one.version)->profile,
                                         input.dependence);
      const bool sure = own.effect + kSure * own.noise <= policy.toleranceFloor ||
                        input.live.rows() >= kPatience * policy.minSamples;
      one.accepted = out.servingAccepted =
          own.effect <= input.tolerance || (fits(own, policy) && sure);
      out.unsure = out.unsure || (!one.accepted && fits(own, policy));
      continue;
    }
    if (contains(input.refused, one.version)) continue;
    const auto fit = fitOf(one.distance, servingEffect, input.live.rows(), policy);
    one.accepted = fit == Fit::Yes || byRatio(one);
    out.unsure = out.unsure || (!one.accepted && fit == Fit::Unsure);
    if (!one.accepted) continue;
    const bool ofNearest = one.version == nearest.version ||
                           sameKind(input.candidates, one.version, nearest.version, policy);
    if (!ofNearest && !farSecond) out.ambiguous = input.live.rows() < kPatience * policy.minSamples;
    // Kinds within the floor of each other count as one, unless these rows tell them apart.
    if (!ofNearest || one.distance.effect - nearest.distance.effect > kSure * one.distance.noise)
      continue;
    const auto* candidate = find(input.candidates, one.version);
    if (!target || candidate->createdMs > target->createdMs) target = candidate;
  }
  // What is nearest was refused: the next kind that fits.
  if (!target && contains(input.refused, nearest.version)) {
    for (const auto& one : out.ranked) {
      if (!target && one.accepted && one.version != input.serving)
        target = find(input.candidates, one.version);
    }
    if (target) out.ambiguous = false;
  }
  if (target && !out.ambiguous) out.target = target->version;
}

}  // namespace

Match matchVersions(const MatchInput& input, const Policy& policy) {
  Match out;
  rank(input, out);
  if (!out.ranked.empty()) choose(input, policy, out);
  return out;
}

std::optional<KnownMix> knownMix(const MatchInput& input, const Policy& policy) {
  std::optional<KnownMix> best;
  double least = 0;
  for (const auto& a : input.candidates) {
    for (const auto& b : input.candidates) {
      if (&b == &a) break;  // each pair once
      if (!usable(a) || !usable(b)) continue;
      const auto apart = distance(*a.profile, *b.profile);
      if (!apart || apart->effect < kKindsNear) continue;
      const auto mix = nearestMixture(input.live, *a.profile, *b.profile, input.dependence);
      if (!mix || std::min(mix->weight, 1 - mix->weight) < kLeastShare) continue;
      if (apart->effect < kKindsApart ? mix->z >= kReturnZ : !explains(*mix, policy)) continue;
      if (best && mix->effect >= least) continue;
      best = KnownMix{a.version, b.version, mix->weight};
      least = mix->effect;
    }
  }
  return best;
}

bool matches(const Profile& live, const Profile& version, const Policy& policy) {
  const auto found = distance(live, version);
  return found && fits(*found, policy);
}

}  // namespace reprise::drift
