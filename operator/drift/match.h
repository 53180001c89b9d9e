// Which kept version was trained on the kind of data that the live rows are.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "drift/decide.h"

namespace reprise::drift {

struct MatchInput {
  const Profile& live;
  const std::vector<Candidate>& candidates;
  const std::string& serving;
  double tolerance = 0;  // effect that the serving version may be away
  const std::vector<std::string>& refused;
  double dependence = 1;  // of rows on those before them
};

struct Match {
  std::vector<Ranked> ranked;             // nearest first
  std::vector<std::string> incomparable;  // names
  std::string nearest, second;            // second: the first that is of another kind than nearest
  double distance = 0, margin = 0;
  bool servingAccepted = false;
  bool ambiguous = false;  // two kinds fit, and neither clearly better
  bool unsure = false;     // so few rows can tell neither that one fits nor that none does
  std::string target;  // the newest accepted version of the nearest kind; "": none, or ambiguous
};

Match matchVersions(const MatchInput& input, const Policy& policy);

// Two known kinds that the live rows are a mix of, where no one kind explains them.
struct KnownMix {
  std::string first, second;
  double weight = 0;  // share of `first`
};
std::optional<KnownMix> knownMix(const MatchInput& input, const Policy& policy);

}  // namespace reprise::drift
