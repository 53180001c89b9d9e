// How far live rows are from those that a version was trained on, as an alarm asks it.
#pragma once

#include "drift/distance.h"

namespace reprise::drift {

// As distance(), but n live rows count as n m / (n + m), m being the training's. Live rows come
// back (the same customers, the same machines): n that are drawn again and again from m others know
// no more of their source than so many, and that a training of m rows knows it better is not said.
// Few live rows or a large training change next to nothing.
// InvalidArgument: as there.
Expected<Distance> trainingDistance(const Profile& live, const Profile& training,
                                    double dependence);

}  // namespace reprise::drift
