// Kubernetes' own kinds, trimmed to what the plans read.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "api/meta.h"

namespace reprise {
class JsonView;  // json/view.h
}

namespace reprise::api {

// Everything that the operator makes: who it is, and whether it still is what was applied.
struct Child {
  ObjectMeta meta;
  // Of all that somebody wrote (spec, data, labels, …; not status, not metadata that the server
  // counts up): changes when anybody edits the object.
  std::uint64_t contentHash = 0;
};

struct Job : Child {
  std::int32_t active = 0, succeeded = 0, failed = 0;
  bool complete = false;   // condition Complete=True
  bool hasFailed = false;  // condition Failed=True
  std::string failureReason,
      failureMessage;  // of that condition: BackoffLimitExceeded, DeadlineExceeded, …
  std::optional<Time> startTime, completionTime;
};

struct Deployment : Child {
  std::int32_t replicas = 0;  // desired, spec.replicas
  std::int32_t readyReplicas = 0, updatedReplicas = 0, availableReplicas = 0, statusReplicas = 0;
  std::int64_t observedGeneration = 0;
  std::vector<Condition> conditions;
};

struct Service : Child {
  std::map<std::string, std::string> selector;
};

struct ContainerStatus {
  std::string name;
  bool init = false;
  bool ready = false;
  std::int32_t restartCount = 0;
  std::string imageID;
  std::string waitingReason, waitingMessage;  // ImagePullBackOff, CrashLoopBackOff, …
  std::optional<std::int32_t> exitCode;       // of the current or else the last termination
  std::string terminatedReason,
      terminatedMessage;  // the message is what was written to /dev/termination-log
  std::optional<Time> finishedAt;
};

struct Pod {
  ObjectMeta meta;
  std::string phase, reason, message;
  std::string podIP;
  bool ready = false;                       // condition Ready=True
  std::string unschedulable;                // message of PodScheduled=False
  std::vector<ContainerStatus> containers;  // init containers first, in their order
};

// Decoders: total functions over what an API server sends; missing parts are empty.
ObjectMeta decodeMeta(JsonView object);
Child decodeChild(JsonView object);
Job decodeJob(JsonView object);
Deployment decodeDeployment(JsonView object);
Service decodeService(JsonView object);
Pod decodePod(JsonView object);

}  // namespace reprise::api
