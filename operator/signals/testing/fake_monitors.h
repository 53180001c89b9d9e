// Monitors of Pods, by address, behind a Transport: what they were told, and what they answer.
#pragma once

#include <map>
#include <mutex>
#include <set>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "base/http.h"

namespace reprise::signals {

class FakeMonitors final : public http::Transport {
 public:
  struct Monitor {
    std::string instance = "one";
    std::vector<nlohmann::json> windows, feedback, stray, labelled;         // with their seq
    nlohmann::json score = {{"n", 0}, {"errorSum", 0}, {"errorSqSum", 0}};  // of one row
    std::vector<nlohmann::json> relayed;  // bodies of POST /feedback?relayed=1
    std::vector<std::pair<std::string, nlohmann::json>> routes;  // the token; POST /routes
    int asked = 0, scored = 0;                                   // polls; rows
    bool down = false;
  };
  std::mutex mutex;
  std::map<std::string, Monitor> monitors;  // by host:port

  tl::expected<http::Response, http::TransportError> send(const http::Request& request,
                                                          std::chrono::milliseconds,
                                                          std::stop_token, std::size_t) override {
    std::lock_guard lock(mutex);
    const auto host = request.url.substr(7, request.url.find('/', 7) - 7);
    const auto path = request.url.substr(7 + host.size());
    const auto it = monitors.find(host);
    if (it == monitors.end() || it->second.down)
      return tl::unexpected(
          http::TransportError{http::TransportError::Kind::Connect, Sent::No, "refused"});
    return http::Response{200, {}, answer(it->second, path, request).dump()};
  }
  tl::expected<std::unique_ptr<http::ByteStream>, http::TransportError> openStream(
      const http::Request&, std::chrono::milliseconds, std::stop_token) override {
    return tl::unexpected(http::TransportError{});
  }

 private:
  static nlohmann::json after(const std::vector<nlohmann::json>& ring, const std::string& path,
                              const std::string& name) {
    const auto at = path.find(name + "=");
    const auto seq = at == path.npos ? 0 : std::stoll(path.substr(at + name.size() + 1));
    nlohmann::json out = nlohmann::json::array();
    for (const auto& entry : ring) {
      if (entry["seq"].get<std::int64_t>() > seq) out.push_back(entry);
    }
    return out;
  }

  static nlohmann::json answer(Monitor& monitor, const std::string& path,
                               const http::Request& request) {
    const std::string& body = request.body;
    if (path == "/routes") {
      monitor.routes.emplace_back(request.headers.front().second, nlohmann::json::parse(body));
      return nlohmann::json::object();
    }
    if (path.starts_with("/feedback?relayed=1")) {
      monitor.relayed.push_back(nlohmann::json::parse(body));
      return nlohmann::json::object();
    }
    if (path.starts_with("/labelled"))
      return {{"instance", monitor.instance}, {"rows", after(monitor.labelled, path, "?after")}};
    if (path.starts_with("/score")) {
      const auto rows = static_cast<int>(nlohmann::json::parse(body)["rows"].size());
      monitor.scored += rows;
      nlohmann::json out = monitor.score;
      for (auto& [key, value] : out.items()) value = value.get<double>() * rows;
      for (const char* count : {"n", "pairs"}) {
        if (out.contains(count)) out[count] = monitor.score[count].get<int>() * rows;
      }
      return out;
    }
    ++monitor.asked;
    return {{"instance", monitor.instance},
            {"golden", {{"state", "Passed"}, {"message", "3 of 3"}}},
            {"windows", after(monitor.windows, path, "?after")},
            {"feedback", after(monitor.feedback, path, "feedbackAfter")},
            {"stray", after(monitor.stray, path, "strayAfter")}};
  }
};

}  // namespace reprise::signals
