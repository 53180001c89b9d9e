// Answers of the admin port.
#pragma once

#include <string>
#include <utility>

#include <nlohmann/json.hpp>

#include "runtime/http_server.h"

namespace reprise::agent::monitor {

// What is not UTF-8 in it is replaced: rows are whatever a client sent.
inline std::string dumped(const nlohmann::json& value) {
  return value.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

inline runtime::HttpReply jsonReply(int status, std::string body) {
  return {status, std::move(body), "application/json"};
}

inline runtime::HttpReply problem(int status, const std::string& what) {
  return jsonReply(status, dumped({{"error", what}}));
}

}  // namespace reprise::agent::monitor
