#include "agent/monitor/routes.h"

#include <algorithm>

#include <nlohmann/json.hpp>

#include "agent/monitor/call.h"
#include "agent/monitor/http_head.h"

namespace reprise::agent::monitor {
namespace {

std::string textOf(const Endpoint& endpoint) {
  const std::string host = endpoint.address().to_string();
  return (endpoint.address().is_v6() ? "[" + host + "]" : host) + ":" +
         std::to_string(endpoint.port());
}

}  // namespace

Expected<Routes::Table> Routes::parse(std::string_view body) {
  const auto wrong = [](const std::string& what) { return fail(ErrorCode::InvalidArgument, what); };
  const auto value = nlohmann::json::parse(body, nullptr, false);
  const auto routes = value.is_object() ? value.find("routes") : value.end();
  if (!value.is_object() || routes == value.end() || !routes->is_object())
    return wrong("routes: must be an object {\"<context>\": \"<ip>:<port>\"}");
  if (routes->size() > kMaxRoutes) {
    return wrong("routes: has " + std::to_string(routes->size()) + " entries, at most " +
                 std::to_string(kMaxRoutes) + " are taken");
  }
  Table out;
  for (const auto& [context, target] : routes->items()) {
    const std::string where = "routes['" + context.substr(0, 128) + "']";
    if (!plainName(context))
      return wrong(where + ": is no context: 1 to 128 printable characters without a space");
    if (!target.is_string()) return wrong(where + ": must be a text, an IP address and a port");
    const auto endpoint = endpointOf(target.get<std::string>(), where);
    if (!endpoint) return tl::unexpected(endpoint.error());
    const auto address = endpoint->address();
    if (endpoint->port() == 0 || address.is_unspecified() || address.is_multicast())
      return wrong(where + ": '" + target.get<std::string>() + "' is nowhere to connect to");
    out[context] = *endpoint;
  }
  return out;
}

void Routes::set(Table table) {
  std::lock_guard lock(mutex_);
  table_ = std::make_shared<const Table>(std::move(table));
  generation_.fetch_add(1, std::memory_order_release);
}

std::shared_ptr<const Routes::Table> Routes::table() const {
  std::lock_guard lock(mutex_);
  return table_;
}

std::string Routes::json() const {
  nlohmann::json out = {{"routes", nlohmann::json::object()}};
  for (const auto& [context, endpoint] : *table()) out["routes"][context] = textOf(endpoint);
  return out.dump();
}

std::shared_ptr<UpstreamPool> RoutePools::find(std::string_view context) {
  if (routes_.generation() != seen_) refresh();
  if (!table_ || table_->empty()) return nullptr;
  const auto route = table_->find(context);
  if (route == table_->end()) return nullptr;
  auto& pool = pools_[route->second];
  if (!pool) pool = std::make_shared<UpstreamPool>(io_, route->second, poolSize_);
  return pool;
}

// Connections to Pods that no route leads to any more are closed as they come to rest.
void RoutePools::refresh() {
  seen_ = routes_.generation();
  table_ = routes_.table();
  std::erase_if(pools_, [&](const auto& one) {
    return std::none_of(table_->begin(), table_->end(),
                        [&](const auto& route) { return route.second == one.first; });
  });
}

void RoutePools::clear() { pools_.clear(); }

}  // namespace reprise::agent::monitor
