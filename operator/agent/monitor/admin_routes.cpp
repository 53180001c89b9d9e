// POST /routes: only the operator may say where requests go, as whoever can reach this port could
// else send them to a place of their own.
#include <strings.h>

#include <spdlog/spdlog.h>

#include "agent/monitor/admin.h"
#include "agent/monitor/reply.h"

namespace reprise::agent::monitor {
namespace {

// Takes as long for a wrong guess whose beginning is right as for any other.
bool equal(std::string_view a, std::string_view b) {
  if (a.size() != b.size()) return false;
  volatile unsigned char differs = 0;
  for (std::size_t i = 0; i < a.size(); ++i)
    differs = static_cast<unsigned char>(differs | (a[i] ^ b[i]));
  return differs == 0;
}

bool allowed(const std::string& authorization, const std::string& token) {
  constexpr std::size_t kScheme = 7;
  return !token.empty() && strncasecmp(authorization.c_str(), "Bearer ", kScheme) == 0 &&
         equal(std::string_view(authorization).substr(kScheme), token);
}

}  // namespace

runtime::HttpReply Admin::setRoutes(const runtime::HttpCall& call) {
  if (!allowed(call.header("authorization"), options_.routesToken))
    return problem(403, options_.routesToken.empty()
                            ? "routes are not taken: REPRISE_ROUTES_TOKEN is not set"
                            : "the token is not that of REPRISE_ROUTES_TOKEN");
  auto table = Routes::parse(call.body);
  if (!table) return problem(400, table.error().message);
  if (*table != *routes_.table()) {
    spdlog::info("monitor: {} routes", table->size());
    routes_.set(std::move(*table));
  }
  return {200, routes_.json(), "application/json"};
}

}  // namespace reprise::agent::monitor
