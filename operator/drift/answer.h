// What the parts of the decision share: the question, and how an answer is said.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "drift/decide.h"
#include "drift/labels.h"
#include "drift/looks.h"

namespace reprise::drift {

struct Question {
  const Stream& stream;
  const Candidate& serving;
  const std::vector<Candidate>& candidates;
  const Policy& policy;
  const History& history;
  std::int64_t nowMs;
  const LabelView& labels;
};

std::string decimal(double value);        // three digits after the point
std::string rowsText(std::int64_t rows);  // "1 row", "2 rows"
std::string errorText(const Decision& decision, const std::string& serving);

Decision& say(Decision& decision, Decision::Action action, const char* reason, std::string message);

// The action, or a Hold with reason Cooldown as long as the policy allows none.
Decision& switchTo(const Question& q, Decision& decision, const std::string& target,
                   const char* reason, std::string message);
Decision& retrain(const Question& q, Decision& decision, const char* reason, std::string message);

}  // namespace reprise::drift
