// The answer where the rule of the labels changed: only scores on the labelled rows since then tell
// which version knows it.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "drift/answer.h"

namespace reprise::drift {

// q.labels.alarm() is on.
Decision& byLabels(const Question& q, Decision& decision);

Decision& switchByLabels(const Question& q, const Candidate& best, Decision& decision);

// Versions that fit the inputs, but whose errors on the rows since then are not their own; and
// those that were refused before.
std::vector<std::string> refusedByLabels(const Question& q, std::int64_t sinceMs);

}  // namespace reprise::drift
