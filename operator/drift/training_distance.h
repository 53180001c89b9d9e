// How far live rows are from those that a version was trained on, as an alarm asks it.
#pragma once

#include "drift/distance.h"

namespace reprise::drift {

// As distance(), but `live` counts as no more rows than `training` has. Live rows come back (the
// same customers, the same machines), so that many of them know no more of their source than as
// many others: a training set of 70 rows and 400 live rows, of 70 things each, are as far apart as
// two samples of 70. With fewer live rows than training rows it is distance(). InvalidArgument: as
// there.
Expected<Distance> trainingDistance(const Profile& live, const Profile& training);

}  // namespace reprise::drift
