// A story without chance, for enumerations: one crash at each write, each older snapshot, each
// event dropped.
#pragma once

#include <map>
#include <string>

#include "model/schedule.h"

namespace reprise::model {

class Story {
 public:
  explicit Story(Mutant mutant = Mutant::None) : run_(7, mutant) {}

  static constexpr int kScenes = 10;
  // Scene 0 … kScenes - 1, in order, each to its end.
  void play(int scene);
  void playAll() {
    for (int scene = 0; scene < kScenes; ++scene) play(scene);
  }

  Run& run() { return run_; }
  // What the cluster holds, without times, uids and the numbers of drift.
  nlohmann::json state() const;
  // Writes of the operator that changed something, by object.
  std::map<std::string, int> writes() const { return run_.oracle.changes(); }

 private:
  void rounds(int count, bool requests);

  Run run_;
};

}  // namespace reprise::model
