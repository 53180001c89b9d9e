// The cluster around the operator: an API server in memory, and everybody else who writes to it.
// Each actor is level triggered and takes one small step at a time, so that any interleaving with
// the operator can be played.
//
// Job controller and the Pods of runs (publish creates the ModelVersion, then the Pod ends, then
// the Job); Deployment controller with ReplicaSets and Pods; kubelet and monitors (golden requests,
// windows of live requests); a registry whose tags move; the garbage collector; users.
#pragma once

#include <deque>
#include <map>
#include <memory>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "base/http.h"
#include "base/time.h"
#include "model/data.h"
#include "runtime/testing/fake_client.h"

namespace reprise::model {

using kube::Json;
using runtime::testing::FakeClient;

inline constexpr const char* kNs = "team";
inline constexpr const char* kImage = "registry.example.com/fuel:1.0";

extern const kube::Resource kReplicaSets;

class World {
 public:
  explicit World(std::uint64_t seed);

  FakeClock clock;
  FakeClient server;
  std::mt19937_64 random;
  std::vector<std::string> trace;  // what happened, for a failing seed

  std::size_t draw(std::size_t n) { return n == 0 ? 0 : random() % n; }
  bool chance(int percent) { return static_cast<int>(draw(100)) < percent; }
  void note(std::string what);
  std::function<void(const std::string&)> onViolation;  // what must not be was seen
  bool verbose = false;  // the trace has each field that the operator writes

  // What the world is like now.
  Kind live = Kind::A;  // of the requests
  char digest = '1';    // of the image's tag, as 64 of this digit
  bool registryDown = false;
  std::set<char> brokenDigests;          // training in them fails
  std::set<std::string> brokenVersions;  // their golden requests fail
  int jobFailures = 0;                   // percent of the runs that fail
  std::string imageOf(char digit) const;

  // Users.
  void createPipeline();
  void createDeployment(const std::string& name);
  // Edits the newest state; nothing where the object is gone. `edit` may change spec and
  // annotations.
  bool edit(const kube::Resource&, const std::string& name, const std::function<void(Json&)>& edit);
  void annotate(const kube::Resource&, const std::string& name, const std::string& key,
                const std::string& value);
  void erase(const kube::Resource&, const std::string& name);
  std::set<std::string> jobsDeletedByUser;  // uids
  // Deployments that somebody else edited. An operator that starts anew, or has not looked at them
  // yet, takes them as they are while their annotation says that they were applied: so it is not
  // judged.
  std::set<std::string> editedByOthers;  // uids

  // One step of one actor, drawn at random; false where nobody had anything to do.
  bool step();
  // Steps of everybody until nobody has anything to do.
  void settle();
  // A window of requests at each monitor that the Services send them to.
  void traffic();
  std::size_t windowsSent() const { return windowsSent_; }

  // What a registry and the monitors answer.
  std::shared_ptr<http::Transport> network();

 private:
  struct Monitor {
    std::string instance, golden = "Pending", message;
    std::int64_t seq = 0;
    std::deque<std::pair<std::int64_t, std::string>> windows;  // entries of the answer, as text
  };
  friend class Network;

  Time second() const { return std::chrono::floor<std::chrono::seconds>(clock.now()); }
  std::vector<std::function<bool()>> actors();
  bool jobStep(const std::string& name);
  bool startJob(Json job);
  bool endPod(Json pod, const Json& job, bool good);
  bool endJob(Json job, bool good);
  bool publish(const Json& pod, const Json& job);
  bool deploymentStep(const std::string& name);
  bool podStep(const std::string& name);
  Json podOf(const Json& owner, const kube::Resource& ownerKind, const std::string& name,
             const Json& podTemplate);

  std::map<std::string, Monitor> monitors_;  // by address
  std::map<std::pair<std::string, int>, std::string>
      sets_;                           // ReplicaSet by uid and generation of its Deployment
  std::map<std::string, bool> fates_;  // by Job uid: whether it will succeed
  std::size_t addresses_ = 0, windowsSent_ = 0;
};

}  // namespace reprise::model
