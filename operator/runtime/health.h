// What a kubelet and Prometheus ask for.
#pragma once

#include "runtime/http_server.h"
#include "runtime/manager.h"
#include "runtime/metrics.h"

namespace reprise::runtime {

// GET /healthz: the process answers. GET /readyz: the caches are synced, else 503 and which are
// not.
void handleHealth(HttpServer& server, const Manager& manager);
// GET /metrics.
void handleMetrics(HttpServer& server, Metrics& metrics);

}  // namespace reprise::runtime
