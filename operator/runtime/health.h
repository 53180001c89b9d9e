// What a kubelet and Prometheus ask for.
#pragma once

#include <functional>
#include <string>

#include "runtime/http_server.h"
#include "runtime/manager.h"
#include "runtime/metrics.h"

namespace reprise::runtime {

// GET /healthz: the process answers. GET /readyz: the caches are synced and `problem` has nothing
// to say, else 503 and why not.
void handleHealth(HttpServer& server, const Manager& manager,
                  std::function<std::string()> problem = {});
// GET /metrics.
void handleMetrics(HttpServer& server, Metrics& metrics);

}  // namespace reprise::runtime
