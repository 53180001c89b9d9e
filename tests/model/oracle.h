// What must hold: at each write of the operator, and at the end of each schedule.
#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

#include "model/world.h"

namespace reprise::model {

class Oracle {
 public:
  // Listens to the writes of the operator from now on.
  explicit Oracle(World& world);

  // The first few sentences about what was broken; empty while all is well.
  const std::vector<std::string>& violations() const { return violations_; }
  void violated(const std::string& what);

  // The world is at rest, and the registry, Jobs and Pods work: it must be what the specs ask for.
  void judgeEnd();

  // Writes of the operator that changed something, and those that changed nothing, by object.
  std::map<std::string, int> changes() const;
  std::map<std::string, int> idle() const;

 private:
  void created(const runtime::testing::Write&, const Json& after);
  void applied(const runtime::testing::Write&, const Json* before, const Json& after);
  void removed(const runtime::testing::Write&, const Json& before);
  void judgePipeline(const Json& pipeline);
  void judgeDeployment(const Json& deployment);
  void judgeVersion(const Json& version);

  struct Training {
    std::string jobUid, name;
  };
  World& world_;
  std::map<std::string, Training> trainings_;  // by uid of the pipeline and trigger id
  std::vector<std::string> violations_;
};

}  // namespace reprise::model
