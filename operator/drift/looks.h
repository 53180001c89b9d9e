// The live stream as the decision sees it: windows joined to looks, which of them drifted, and the
// newest rows of one kind.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "drift/decide.h"

namespace reprise::drift {

// Whether the distance is more than sampling explains. Where few directions carry the variance the
// null has a long right tail and z alone says yes too often; the fitted χ² is asked too.
bool significant(const Distance& distance, const Policy& policy);

// … and by more than chance above `tolerance`, an effect: its own noise is taken off twice.
bool away(const Distance& distance, double tolerance, const Policy& policy);

// The newest looks, of which two that drift and two that do not are kinds that take turns.
inline constexpr std::size_t kMixedLooks = 6;

// One or more windows with at least Policy::minWindowRows rows together.
struct Look {
  std::int64_t firstMs = 0, lastMs = 0;
  Profile profile;
  Distance serving;       // of its own rows to the serving version
  bool ownDrift = false;  // those alone are away
  // Those, or with the looks before that are like them: of the kMixedLooks newest and as far back
  // as the alarm was looked for.
  bool drifted = false;
};

struct Stream {
  std::vector<Look> looks;
  Profile recent;  // the newest looks, minSamples rows where there are as many
  std::int64_t recentFirstMs = 0;
  double tolerance = 0;  // in force for the newest look
  std::optional<double> learned;
  double dependence = 1;  // of rows on those before them: see dependence.h
  bool alarm = false;
  std::size_t alarmFirst = 0;  // look
};

// `windows`: of one version and one basis, oldest first.
Stream readStream(const std::vector<const Window*>& windows, const Profile& serving,
                  const Policy& policy, const std::optional<double>& learned);

// The newest looks, back to `first` at most, that do not differ from each other: rows of before a
// change, or of the moment of it, do not count. At most 5 * minSamples rows.
Profile newestOfOneKind(const Stream& stream, std::size_t first, const Policy& policy);

}  // namespace reprise::drift
