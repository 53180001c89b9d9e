#include "runtime/http_routes.h"

#include <exception>
#include <utility>

#include <spdlog/spdlog.h>

namespace reprise::runtime {

void HttpRoutes::add(const std::string& method, const std::string& path,
                     HttpServer::Handler handler) {
  const bool prefix = path.ends_with("/*");
  auto& table = prefix ? below_ : exact_;
  table[prefix ? path.substr(0, path.size() - 1) : path][method] = std::move(handler);
}

const HttpRoutes::Methods* HttpRoutes::find(const std::string& path) const {
  if (const auto found = exact_.find(path); found != exact_.end()) return &found->second;
  for (std::size_t end = path.rfind('/'); end != std::string::npos;
       end = path.rfind('/', end - 1)) {
    if (const auto found = below_.find(path.substr(0, end + 1)); found != below_.end())
      return &found->second;
    if (end == 0) break;
  }
  return nullptr;
}

HttpReply HttpRoutes::answer(const HttpCall& call) const {
  const Methods* methods = find(call.path);
  if (!methods) return {404, "not found\n"};
  const auto handler = methods->find(call.method == "HEAD" ? "GET" : call.method);
  if (handler == methods->end()) return {405, "this path does not take " + call.method + "\n"};
  try {
    return handler->second(call);
  } catch (const std::exception& thrown) {
    spdlog::error("HTTP {} {}: {}", call.method, call.path, thrown.what());
    return {500, "internal error\n"};
  }
}

}  // namespace reprise::runtime
