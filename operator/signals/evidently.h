// Reports of Evidently 0.7, as run.json() writes them.
#pragma once

#include "signals/json_text.h"

namespace reprise::signals {

bool isEvidently(const Json& json);  // an object with a list "metrics"

// Drift of the whole: the share of columns that drifted has reached the metric's own drift_share.
// Without the metric DriftedColumnsCount: a column of ValueDrift drifted. The id is "": a report
// has none.
Read<DriftSignal> parseEvidently(const Json& report);

}  // namespace reprise::signals
