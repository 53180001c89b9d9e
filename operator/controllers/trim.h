// What of an object's metadata a plan looks at: the rest is not kept, for there are thousands.
#pragma once

#include "api/meta.h"

namespace reprise::controllers {

// Leaves of annotations those of reprise.dev/, of labels those too and the Job's name, or none, of
// owners the controller, and no finalizers.
void trim(api::ObjectMeta& meta, bool labels);

}  // namespace reprise::controllers
