#include "runtime/health.h"

namespace reprise::runtime {

void handleHealth(HttpServer& server, const Manager& manager) {
  server.handle("GET", "/healthz", [](const HttpCall&) { return HttpReply{200, "ok\n"}; });
  server.handle("GET", "/readyz", [&manager](const HttpCall&) {
    if (manager.ready()) return HttpReply{200, "ok\n"};
    HttpReply reply{503, "not ready"};
    for (const std::string& name : manager.unsynced()) reply.body += "\nnot synced: " + name;
    reply.body += "\n";
    return reply;
  });
}

void handleMetrics(HttpServer& server, Metrics& metrics) {
  server.handle("GET", "/metrics", [&metrics](const HttpCall&) {
    return HttpReply{200, metrics.text(), "text/plain; version=0.0.4; charset=utf-8"};
  });
}

}  // namespace reprise::runtime
