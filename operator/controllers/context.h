// What the three controllers share.
#pragma once

#include "base/time.h"
#include "controllers/caches.h"
#include "controllers/secrets.h"
#include "pods/parts.h"
#include "registry/image_watch.h"
#include "runtime/actor.h"
#include "signals/inbox.h"
#include "signals/monitor_poll.h"
#include "signals/prometheus_poll.h"
#include "signals/shadow_scores.h"

namespace reprise::controllers {

struct Context {
  Caches& caches;
  runtime::Actor& actor;
  runtime::Leads leads;
  registry::ImageWatch& images;
  signals::MonitorPoll& monitors;
  signals::ShadowScores& shadows;
  signals::PrometheusPoll& prometheus;
  signals::Inbox& inbox;  // of the webhook
  Secrets& secrets;
  bool webhookOn = false;
  const Clock& clock;
  pods::Settings settings;
};

}  // namespace reprise::controllers
