// Replay: the decision over rows that are already there. A row takes one millisecond, so all
// durations of the policy are rows here.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "drift/decide.h"

namespace reprise::drift {

struct ReplayRow {
  Row row;
  Cell label;           // monostate: none
  std::string kind;     // the truth, for the score alone; "": not known
  std::string context;  // what the request says that it is; "": nothing
};

// Error of a version on rows[at]: 0 … 1, or a loss ≥ 0; NaN: not known.
using ErrorOf = std::function<double(const std::vector<ReplayRow>& rows, std::size_t at)>;

struct ReplayVersion {
  std::string name;
  std::string kind, context;
  std::shared_ptr<const Profile> profile;
  std::optional<ReferenceError> reference;
  ErrorOf error;                   // empty: never known
  std::size_t trainedThrough = 0;  // rows before this one may have been in its training
};

// Makes a version of rows [begin, end); its name, kind and context are set by the replay.
using Trainer = std::function<Expected<ReplayVersion>(const std::vector<ReplayRow>& rows,
                                                      std::size_t begin, std::size_t end)>;

// A Trainer of Forests; without labels it makes profiles alone.
Trainer forestTrainer(const Basis& basis);

enum class ReplayMode {
  Never,   // the first version serves for ever
  Always,  // trains at each alarm, and looks at no kept version
  Switch,  // decide()
  Oracle,  // is told the kind of each row
};
std::optional<ReplayMode> replayMode(const std::string& name);  // never, always, switch, oracle
std::string_view to_string(ReplayMode mode);

struct ReplayOptions {
  // What docs/design/drift.md was measured with: 100 rows, in looks of 25.
  static Policy defaultPolicy() {
    Policy out;
    out.minSamples = 100;
    out.minWindowRows = 25;
    out.cooldownMs = 100;
    out.retrainCooldownMs = 1000;
    return out;
  }
  ReplayMode mode = ReplayMode::Switch;
  Policy policy = defaultPolicy();
  std::int64_t window = 25;        // rows
  std::int64_t labelsLate = 0;     // rows until a label comes
  std::int64_t trainTakes = 2300;  // rows from the request to the version
  std::int64_t trainRows = 1000;   // it is trained on at most, from the change on
  std::int64_t recovery = 2000;    // rows after a return, that the recovery accuracy is of
  std::int64_t oracleDelay = 0;    // rows until the oracle is told
  std::size_t keptWindows = 64;    // closed windows that the decision sees
  std::size_t keptBlocks = 256;    // … and blocks of labels, as many as the operator keeps of a Pod
  std::size_t keptVersions = 20;   // oldest that do not serve go first
};

struct ReplayEvent {
  std::int64_t row = 0;
  std::string action;  // Change Alarm Switch Retrain Trained TrainingFailed
  std::string version, reason, message;
  bool right = true;  // as far as kinds are known
};

// What happened, added up; two of them add up to the score of both.
struct ReplayScore {
  std::int64_t rows = 0;
  std::int64_t changes = 0;
  std::int64_t returns = 0;   // of a kind that a kept version is for, another one serving
  std::int64_t right = 0;     // … whose first action was the switch to such a version
  std::int64_t wrong = 0;     // … to another one
  std::int64_t needless = 0;  // … a training
  std::int64_t missed = 0;    // … nothing
  std::int64_t arrivals = 0;  // of a kind that no kept version is for
  std::int64_t taken = 0;     // … whose first action was a switch: taken for a known one
  std::int64_t arrivalsMissed = 0;
  std::int64_t trainings = 0;
  std::int64_t alarms = 0;        // raised
  std::int64_t falseAlarms = 0;   // … while the serving version was right
  std::int64_t falseActions = 0;  // switch away or training, while the serving version was right
  std::int64_t blindRows = 0;     // of another kind than the serving version's, and no alarm
  std::vector<std::int64_t> alarmRows, switchRows, trainRows;  // from a change to the answer
  std::int64_t judged = 0, recoveryJudged = 0;                 // rows whose error is known
  double errorSum = 0, recoveryErrorSum = 0;
  double accuracy() const { return judged ? 1 - errorSum / static_cast<double>(judged) : 0; }
  double recovery() const {
    return recoveryJudged ? 1 - recoveryErrorSum / static_cast<double>(recoveryJudged) : 0;
  }
  void add(const ReplayScore& other);
};
double median(std::vector<std::int64_t> values);  // NaN: there are none

struct ReplayResult {
  std::vector<ReplayEvent> timeline;
  ReplayScore score;
};

// `versions`: not empty, the first one serves; profiles in `basis`. Without `trainer` no version is
// made and a training only counts.
Expected<ReplayResult> replay(const Basis& basis, const std::vector<ReplayRow>& rows,
                              std::vector<ReplayVersion> versions, const Trainer& trainer,
                              const ReplayOptions& options);

}  // namespace reprise::drift
