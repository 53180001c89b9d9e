// The answer where inputs are compared with the training data of the kept versions.
#pragma once

#include "drift/answer.h"

namespace reprise::drift {

// The alarm is on: what are the newest rows?
Decision& explain(const Question& q, Decision& decision);

// There is no alarm.
Decision& quiet(const Question& q, Decision& decision);

}  // namespace reprise::drift
