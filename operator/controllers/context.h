// What the three controllers share.
#pragma once

#include "base/time.h"
#include "controllers/caches.h"
#include "pods/parts.h"
#include "registry/image_watch.h"
#include "runtime/actor.h"
#include "signals/monitor_poll.h"
#include "signals/shadow_scores.h"

namespace reprise::controllers {

struct Context {
  Caches& caches;
  runtime::Actor& actor;
  runtime::Leads leads;
  registry::ImageWatch& images;
  signals::MonitorPoll& monitors;
  signals::ShadowScores& shadows;
  const Clock& clock;
  pods::Settings settings;
};

}  // namespace reprise::controllers
