// What a plan looks up about versions.
#pragma once

#include <string>
#include <vector>

#include "serving/snapshot.h"

namespace reprise::serving {

const api::ModelVersion* findVersion(const Snapshot& snapshot, const std::string& name);
bool isAvailable(const api::ModelVersion& version);
// Judged, and not to be served: unlike one whose gates have not been judged yet.
bool isRefused(const api::ModelVersion& version);
// It failed to get ready in this deployment, and nobody has asked for another try.
bool isRejected(const api::ModelDeploymentStatus& status, const std::string& version);
// Why a version that is there may not be served: its condition Available in words.
std::string whyUnavailable(const api::ModelVersion& version);

// Its error on rows that it was not trained on, as the run told it in metrics.json: `error` (mean
// of a row) and `error_rows`. Nothing where they are absent or no such numbers.
std::optional<drift::ReferenceError> referenceError(const api::ModelVersion& version);

bool isNewer(const api::ModelVersion& a, const api::ModelVersion& b);

// Versions that may be chosen: available, not rejected here, the newest spec.revisionHistoryLimit
// and whatever is in use; newest first.
std::vector<const api::ModelVersion*> choosable(const Snapshot& snapshot,
                                                const api::ModelDeploymentStatus& status);

// Whether two versions were trained on the same kind of data. Versions without comparable profiles
// count as the same: then nothing speaks for keeping the older one.
bool sameKind(const Snapshot& snapshot, const std::string& a, const std::string& b);

// What spec.drift asks of decide().
drift::Policy policy(const api::ModelDeploymentSpec& spec);

}  // namespace reprise::serving
