// What requests say of themselves. A name that is equal beats statistics, and one that no version
// carries was not seen before.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "drift/decide.h"

namespace reprise::drift {

// What a window's rows say they are: the name that 90 % of those carry which carry one; "" where
// they are of several, or none does.
std::string nameOf(const Window& window);

struct ContextView {
  enum class State {
    Silent,   // rows carry no names, or no version does
    Serving,  // the newest rows are what the serving version is for
    Known,    // … what `version` is for
    Unknown,  // … what no kept version is for
    Mixed,    // several at once, or in turns
  };
  State state = State::Silent;
  std::string name;       // of the newest rows
  std::string version;    // Known: the newest version that is for them and was not refused
  std::int64_t rows = 0;  // the newest rows in a row that carry the name
  std::int64_t firstMs = 0;
  std::string text;  // Mixed: shares, for people
};

// `windows`: of the serving version, oldest first.
ContextView readContext(const std::vector<const Window*>& windows,
                        const std::vector<Candidate>& candidates, const std::string& serving,
                        const Policy& policy, const History& history);

}  // namespace reprise::drift
