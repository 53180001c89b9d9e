// Which handler answers a call.
#pragma once

#include <map>
#include <string>

#include "runtime/http_server.h"

namespace reprise::runtime {

class HttpRoutes {
 public:
  void add(const std::string& method, const std::string& path, HttpServer::Handler handler);
  // Never throws: 404, 405 and 500 are answers.
  HttpReply answer(const HttpCall& call) const;

 private:
  using Methods = std::map<std::string, HttpServer::Handler>;
  const Methods* find(const std::string& path) const;

  std::map<std::string, Methods> exact_;
  std::map<std::string, Methods> below_;  // by the path up to and with its last "/"
};

}  // namespace reprise::runtime
