#include "runtime/health.h"

namespace reprise::runtime {

void handleHealth(HttpServer& server, const Manager& manager,
                  std::function<std::string()> problem) {
  server.handle("GET", "/healthz", [](const HttpCall&) { return HttpReply{200, "ok\n"}; });
  server.handle("GET", "/readyz", [&manager, problem = std::move(problem)](const HttpCall&) {
    const std::string why = problem ? problem() : std::string();
    if (manager.ready() && why.empty()) return HttpReply{200, "ok\n"};
    HttpReply reply{503, "not ready"};
    for (const std::string& name : manager.unsynced()) reply.body += "\nnot synced: " + name;
    reply.body += "\n" + why;
    return reply;
  });
}

void handleMetrics(HttpServer& server, Metrics& metrics) {
  server.handle("GET", "/metrics", [&metrics](const HttpCall&) {
    return HttpReply{200, metrics.text(), "text/plain; version=0.0.4; charset=utf-8"};
  });
}

}  // namespace reprise::runtime
