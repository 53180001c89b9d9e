// Schedules: the operator, the cluster and its users interleaved by a seed, then a calm end.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "model/operator_process.h"
#include "model/oracle.h"
#include "model/world.h"

namespace reprise::model {

struct Result {
  std::vector<std::string> violations;
  std::vector<std::string> trace;
  std::size_t crashes = 0, faults = 0, writes = 0, retrains = 0, switches = 0;

  bool good() const { return violations.empty(); }
  std::string text(std::size_t lastLines = 80) const;
};

// A world, an oracle and an operator that can be killed at any time.
class Run {
 public:
  Run(std::uint64_t seed, Mutant mutant);

  World world;
  Oracle oracle;
  bool onlyLastStates = false;  // every delivery is a new picture: events in between are never seen

  OperatorProcess& operator_() { return *process_; }
  void restart(std::function<std::optional<std::uint64_t>(const kube::Resource&)> pictureOf = {});
  // Does it, and starts the operator anew if it was killed on the way.
  void surviving(const std::function<void()>& action);
  void deliver();
  // Everything that is due now, with the caches kept up to date, until nothing is.
  void work();
  // One round of a world without faults: everybody acts, requests come, the operator works; then
  // `step` passes.
  void round(Milliseconds step, bool requests);
  // Whether what serves was trained on data as the requests are, and nothing is under way.
  bool served() const;
  // No writes, whatever is looked at again, nor after a restart.
  void judgeRest();
  std::size_t crashes() const { return crashes_; }

 private:
  const Mutant mutant_;
  std::unique_ptr<OperatorProcess> process_;
  std::size_t crashes_ = 0;
};

// Everything at random for a while, then calm; judged throughout.
Result playSchedule(std::uint64_t seed, Mutant mutant = Mutant::None, bool verbose = false);

}  // namespace reprise::model
