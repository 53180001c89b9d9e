#include "drift/looks.h"

#include <algorithm>

#include "drift/dependence.h"
#include "drift/training_distance.h"

namespace reprise::drift {
namespace {

constexpr double kMaxPValue =
    1e-5;  // of one look: about one in 1e5 windows of the same source, and two in a row are asked
constexpr std::size_t kMaxLooks = 256;        // the newest; older ones only teach the tolerance
constexpr std::size_t kDependenceLooks = 40;  // the newest, that it is asked of
constexpr std::int64_t kMostRows = 5;         // times minSamples
constexpr std::int64_t kLongLook =
    4;  // times minSamples: for drifts that minSamples rows do not show

std::vector<Look> join(const std::vector<const Window*>& windows, const Policy& policy) {
  std::vector<Look> out;
  Look open;
  for (const auto* window : windows) {
    if (window->profile.rows() == 0) continue;
    if (open.profile.rows() == 0) open.firstMs = window->firstMs;
    open.lastMs = window->lastMs;
    if (!open.profile.merge(window->profile)) continue;  // a shape that lies about its basis
    if (open.profile.rows() < std::max<std::int64_t>(4, policy.minWindowRows)) continue;
    out.push_back(std::move(open));
    open = Look();
  }
  return out;
}

// The rows of looks[from], and those before it down to looks[first] as long as they do not differ
// from them and there are not `enough`.
template <class Enough>
Profile backFrom(const Stream& stream, std::size_t from, std::size_t first, const Policy& policy,
                 Enough enough) {
  const auto& looks = stream.looks;
  Profile out;
  for (std::size_t i = from + 1; i-- > first;) {
    const auto apart =
        out.rows() > 0 ? distance(looks[i].profile, out, stream.dependence) : Expected<Distance>{};
    if (!apart || away(*apart, policy.toleranceFloor, policy)) break;
    if (!out.merge(looks[i].profile) || enough(out)) break;
  }
  return out;
}

std::vector<const Profile*> newestProfiles(const std::vector<Look>& looks) {
  std::vector<const Profile*> out;
  for (std::size_t i = looks.size() - std::min(looks.size(), kDependenceLooks); i < looks.size();
       ++i)
    out.push_back(&looks[i].profile);
  return out;
}

// Whether the newest rows up to looks[last], once, twice or four times minSamples of them, are away
// together: that shows what is too small for each look. Only looks alike are joined, so that a
// burst of other data is no drift of those after it.
bool driftTogether(const Stream& stream, std::size_t last, double tolerance, const Profile& serving,
                   const Policy& policy) {
  std::int64_t wanted = policy.minSamples;
  bool found = false;
  backFrom(stream, last, 0, policy, [&](const Profile& together) {
    if (together.rows() < wanted) return false;
    const auto apart = trainingDistance(together, serving, stream.dependence);
    found = apart && away(*apart, tolerance, policy);
    const bool end = found || wanted >= kLongLook * policy.minSamples;
    wanted *= 2;
    return end;
  });
  return found;
}

// Twice what the first looks show together; and what any of them shows that sampling does not
// explain. The largest effect of several small looks is mostly chance, and learned as benign it
// would hide drift for good.
double learn(const std::vector<const Look*>& looks, const Profile& serving, const Policy& policy,
             double dependence) {
  Profile all;
  double most = 0;
  for (const auto* look : looks) {
    (void)all.merge(look->profile);
    if (significant(look->serving, policy))
      most = std::max(most, look->serving.effect - kSure * look->serving.noise);
  }
  if (const auto together = trainingDistance(all, serving, dependence))
    most = std::max(most, 2 * (together->effect + together->noise));
  return std::clamp(most, policy.toleranceFloor, policy.toleranceCap);
}

// The tolerance of each look: the cap while it is learned, so that a strong drift is seen from the
// first window on.
std::vector<double> tolerances(Stream& stream, const Profile& serving, const Policy& policy) {
  std::vector<double> out;
  std::vector<const Look*> clean;
  for (const auto& look : stream.looks) {
    out.push_back(stream.learned.value_or(policy.toleranceCap));
    if (stream.learned || away(look.serving, policy.toleranceCap, policy)) continue;
    clean.push_back(&look);
    if (static_cast<int>(clean.size()) >= policy.learnWindows)
      stream.learned = learn(clean, serving, policy, stream.dependence);
  }
  stream.tolerance = stream.learned.value_or(policy.toleranceCap);
  return out;
}

// Whether looks drifted, asked from the newest on: joining windows is what costs, and what the
// newest looks settle need not be known of the old ones.
class Marks {
 public:
  Marks(Stream& stream, const std::vector<double>& tolerance, const Profile& serving,
        const Policy& policy)
      : stream_(stream),
        tolerance_(tolerance),
        serving_(serving),
        policy_(policy),
        known_(stream.looks.size(), false) {
    for (std::size_t i = 0; i < stream.looks.size(); ++i) {
      auto& look = stream.looks[i];
      look.ownDrift = look.drifted = away(look.serving, tolerance[i], policy);
    }
  }

  bool drifted(std::size_t i) {
    auto& look = stream_.looks[i];
    if (!known_[i] && !look.ownDrift)
      look.drifted = driftTogether(stream_, i, tolerance_[i], serving_, policy_);
    known_[i] = true;
    return look.drifted;
  }

 private:
  Stream& stream_;
  const std::vector<double>& tolerance_;
  const Profile& serving_;
  const Policy& policy_;
  std::vector<bool> known_;
};

// Where a drift that only many rows show began: of the newest rows, as far back as they are alike,
// the stretch with the largest z. Rows of before the change would make it smaller.
std::size_t beginOfDrift(const Stream& stream, std::size_t first, const Profile& serving,
                         const Policy& policy) {
  std::size_t i = stream.looks.size(), best = first;
  double most = 0;
  backFrom(stream, i - 1, 0, policy, [&](const Profile& together) {
    --i;
    const auto apart = trainingDistance(together, serving, stream.dependence);
    if (i <= first && apart && apart->z > most) {
      most = apart->z;
      best = i;
    }
    return together.rows() >= kMostRows * policy.minSamples;
  });
  return best;
}

// On after windowsInARow drifted looks, off after as many that are not: the newest run of so many
// says which, and the alarm began with the first drifted run after the last quiet one.
void findAlarm(Stream& stream, Marks& marks, const Profile& serving, const Policy& policy) {
  const std::size_t count = stream.looks.size();
  for (std::size_t i = 0; i < std::min(kMixedLooks, count); ++i) marks.drifted(count - 1 - i);
  int drifted = 0, quiet = 0;
  for (std::size_t i = count; i-- > 0 && quiet < policy.windowsInARow;) {
    const bool on = marks.drifted(i);
    drifted = on ? drifted + 1 : 0;
    quiet = on ? 0 : quiet + 1;
    if (drifted < policy.windowsInARow) continue;
    stream.alarm = true;
    stream.alarmFirst = i;
  }
  if (stream.alarm && !stream.looks[stream.alarmFirst].ownDrift)
    stream.alarmFirst = beginOfDrift(stream, stream.alarmFirst, serving, policy);
}

}  // namespace

bool significant(const Distance& distance, const Policy& policy) {
  return distance.z > policy.zThreshold && distance.pValue < kMaxPValue;
}

bool away(const Distance& distance, double tolerance, const Policy& policy) {
  return distance.effect - kSure * distance.noise > tolerance && significant(distance, policy);
}

Stream readStream(const std::vector<const Window*>& windows, const Profile& serving,
                  const Policy& policy, const std::optional<double>& learned) {
  Stream out;
  out.learned = learned;
  auto looks = join(windows, policy);
  out.dependence = dependenceOf(newestProfiles(looks), serving);
  for (auto& look : looks) {
    const auto found = trainingDistance(look.profile, serving, out.dependence);
    if (!found) continue;
    look.serving = *found;
    out.looks.push_back(std::move(look));
  }
  auto tolerance = tolerances(out, serving, policy);
  if (out.looks.size() > kMaxLooks) {
    const auto old = static_cast<std::ptrdiff_t>(out.looks.size() - kMaxLooks);
    out.looks.erase(out.looks.begin(), out.looks.begin() + old);
    tolerance.erase(tolerance.begin(), tolerance.begin() + old);
  }
  Marks marks(out, tolerance, serving, policy);
  findAlarm(out, marks, serving, policy);
  for (std::size_t i = out.looks.size(); i-- > 0 && out.recent.rows() < policy.minSamples;) {
    if (!out.recent.merge(out.looks[i].profile)) break;
    out.recentFirstMs = out.looks[i].firstMs;
  }
  return out;
}

Profile newestOfOneKind(const Stream& stream, std::size_t first, const Policy& policy) {
  return backFrom(stream, stream.looks.size() - 1, first, policy,
                  [&](const Profile& out) { return out.rows() >= kMostRows * policy.minSamples; });
}

}  // namespace reprise::drift
