// What tests of the decision share: versions, windows and labels of one model, and a clock.
#pragma once

#include <deque>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "drift/decide.h"
#include "drift/testing/kinds.h"

namespace reprise::drift::testing {

const Kind kA{}, kB{4, 8}, kC{-4, -8};

struct DecisionTest : ::testing::Test {
  Basis basis = *Basis::fit({"x", "y"}, rowsOf(kA, 200, 1));
  std::deque<Profile> profiles;
  std::vector<Candidate> candidates;
  std::vector<Window> windows;
  std::vector<LabelBlock> labels;
  std::string serving = "v1";
  Policy policy;
  History history;
  std::int64_t now = 1'000'000'000;
  std::int64_t lag = 0;  // ms until a label comes
  unsigned seed = 100;

  void addProfile(const std::string& name, const std::vector<Row>& rows) {
    profiles.push_back(profileOf(basis, rows));
    candidates.push_back({name, &profiles.back(), now += 1000});
  }
  void addVersion(const std::string& name, const Kind& kind, int count = 200) {
    addProfile(name, rowsOf(kind, count, ++seed));
  }
  Decision ask() const {
    std::vector<LabelBlock> there;
    for (const auto& block : labels) {
      if (block.lastMs + lag <= now) there.push_back(block);
    }
    return decide(windows, candidates, serving, policy, history, now, there);
  }
  // A window that lasts `ms`, and what is decided after it; it is only looked at.
  Decision live(const std::vector<Row>& rows, std::int64_t ms = 1000) {
    windows.push_back({serving, now + 1, now + ms, profileOf(basis, rows)});
    now += ms;
    return ask();
  }
  void serve(const std::string& version) {
    serving = version;
    windows.clear();
    history.learnedTolerance.reset();
    history.activeSinceMs = now + 1;
  }
  // As the operator does it: the History follows what was decided. Whether something was done.
  bool act(const Decision& decision) {
    history.learnedTolerance = decision.learnedTolerance;
    if (decision.action == Decision::Action::Retrain)
      history.lastRetrainMs = history.lastActionMs = now;
    if (decision.action != Decision::Action::Switch)
      return decision.action == Decision::Action::Retrain;
    serve(decision.version);
    history.lastActionMs = now;
    return true;
  }
};

// `ofA` rows of one kind and as many of another one as make `count`.
inline std::vector<Row> mixOf(const Kind& a, int ofA, const Kind& b, int count, unsigned seed) {
  auto rows = rowsOf(a, ofA, seed);
  const auto others = rowsOf(b, count - ofA, seed + 1'000'000);
  rows.insert(rows.end(), others.begin(), others.end());
  return rows;
}

}  // namespace reprise::drift::testing
