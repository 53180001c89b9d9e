#include "drift/answer.h"

#include <algorithm>
#include <cstdio>
#include <optional>

namespace reprise::drift {

using Action = Decision::Action;

namespace {

// Seconds left, or nothing.
std::optional<std::int64_t> left(const std::optional<std::int64_t>& since, std::int64_t length,
                                 std::int64_t nowMs) {
  if (!since || nowMs - *since >= length) return std::nullopt;
  return (length - (nowMs - *since) + 999) / 1000;
}

}  // namespace

std::string decimal(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%.3f", value);
  return text;
}

std::string rowsText(std::int64_t rows) {
  return std::to_string(rows) + (rows == 1 ? " row" : " rows");
}

Decision& say(Decision& decision, Action action, const char* reason, std::string message) {
  decision.action = action;
  decision.reason = reason;
  decision.message = std::move(message);
  return decision;
}

std::string errorText(const Decision& decision, const std::string& serving) {
  return "the error of " + serving + " on " + std::to_string(decision.labels) +
         (decision.labels == 1 ? " labelled row is " : " labelled rows is ") +
         decimal(decision.error.value_or(0)) + ", expected " +
         decimal(decision.referenceError.value_or(0));
}

Decision& switchTo(const Question& q, Decision& decision, const std::string& target,
                   const char* reason, std::string message) {
  if (const auto seconds = left(q.history.lastActionMs, q.policy.cooldownMs, q.nowMs)) {
    return say(decision, Action::Hold, "Cooldown",
               "the data is that of " + target + "; " + std::to_string(*seconds) +
                   " s of the cool-down after the last action are left");
  }
  decision.version = target;
  return say(decision, Action::Switch, reason, std::move(message));
}

Decision& retrain(const Question& q, Decision& decision, const char* reason, std::string message) {
  const auto action = left(q.history.lastActionMs, q.policy.cooldownMs, q.nowMs);
  const auto training = left(q.history.lastRetrainMs, q.policy.retrainCooldownMs, q.nowMs);
  if (action || training) {
    return say(decision, Action::Hold, "Cooldown",
               "the data is of a new kind; " +
                   std::to_string(std::max(action.value_or(0), training.value_or(0))) +
                   " s of the cool-down until a training may be asked for are left");
  }
  return say(decision, Action::Retrain, reason, std::move(message));
}

}  // namespace reprise::drift
