// Rows that depend on those before them: customers that stay, machines that warm up, weather.
#pragma once

#include <vector>

#include "drift/profile.h"

namespace reprise::drift {

// So many rows in a row say as much of their source as one that is independent of the others, 1 …
// 20: how far stretches of rows are apart, against what as many independent rows would be (the
// variance of batch means; Law & Kelton 2000, section 9.5.3). A median of neighbours and of those
// one and two further: neither a change between two of them nor kinds that take turns look like
// it. 1 where it is not more than chance; dependence beyond a stretch is seen in part.
// `stretches`: oldest first; those of another basis than `training` are left out.
double dependenceOf(const std::vector<const Profile*>& stretches, const Profile& training);

}  // namespace reprise::drift
