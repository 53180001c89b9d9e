#include "agent/monitor/admin.h"

#include <charconv>
#include <random>

#include <fmt/format.h>

#include "agent/golden.h"
#include "agent/monitor/call.h"
#include "agent/monitor/exposition.h"
#include "agent/monitor/json_read.h"
#include "agent/monitor/reply.h"

namespace reprise::agent::monitor {
namespace {

using nlohmann::json;
using runtime::HttpCall;
using runtime::HttpReply;

constexpr auto kProbeLimit = std::chrono::milliseconds(1000);  // the kubelet waits 2 s
constexpr auto kProbeKept = std::chrono::milliseconds(500);
constexpr std::size_t kMaxScored = 5000;  // rows of one call
constexpr auto kScoreLimit = std::chrono::seconds(25);
constexpr std::size_t kDefaultLabelled = 500;

std::string randomId() {
  std::random_device random;
  return fmt::format("{:08x}{:08x}", random(), random());
}

}  // namespace

std::int64_t numberIn(const std::string& query, const std::string& name, std::int64_t otherwise) {
  std::string_view rest = query;
  while (!rest.empty()) {
    const auto end = rest.find('&');
    const auto part = rest.substr(0, end);
    rest.remove_prefix(end == rest.npos ? rest.size() : end + 1);
    if (!part.starts_with(name) || part.size() <= name.size() || part[name.size()] != '=') continue;
    const auto text = part.substr(name.size() + 1);
    std::int64_t value = 0;
    const auto [stop, bad] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (bad == std::errc() && stop == text.data() + text.size() && value >= 0) return value;
  }
  return otherwise;
}

Admin::Admin(const MonitorOptions& options, boost::asio::ip::tcp::endpoint upstream,
             Observer& observer, GoldenCheck& golden, const Counters& counters, Routes& routes,
             std::function<bool()> alive)
    : options_(options),
      upstream_(upstream),
      observer_(observer),
      golden_(golden),
      counters_(counters),
      routes_(routes),
      alive_(std::move(alive)),
      instance_(randomId()) {}

Expected<void> Admin::listen(const boost::asio::ip::tcp::endpoint& endpoint) {
  runtime::HttpServer::Options server;
  server.address = endpoint.address().to_string();
  server.port = endpoint.port();
  server.maxBody = 16 << 20;  // labelled rows of another Pod
  server.writeLimit = Milliseconds{30'000};
  server_ = std::make_unique<runtime::HttpServer>(server);
  server_->handle("GET", "/healthz", [this](const HttpCall&) {
    return alive_() ? HttpReply{200, "ok\n"}
                    : HttpReply{503, "a forwarding thread has not turned for 10 s\n"};
  });
  server_->handle("GET", "/readyz", [this](const HttpCall&) { return ready(); });
  server_->handle("GET", "/metrics", [this](const HttpCall&) {
    const auto* drift = observer_.drift();
    const auto score = drift ? drift->score() : std::nullopt;
    return HttpReply{200, exposition(counters_, score, options_.model, options_.version),
                     "text/plain; version=0.0.4"};
  });
  server_->handle("GET", "/windows", [this](const HttpCall& call) { return windows(call); });
  server_->handle("POST", "/feedback", [this](const HttpCall& call) {
    const auto answer = observer_.feedback(call.body, numberIn(call.query, "relayed", 0) == 1);
    return jsonReply(answer.status, answer.body);
  });
  server_->handle("GET", "/labelled", [this](const HttpCall& call) {
    const auto limit = numberIn(call.query, "limit", kDefaultLabelled);
    return jsonReply(200, observer_.labels().labelled(numberIn(call.query, "after", 0),
                                                      static_cast<std::size_t>(limit)));
  });
  server_->handle("POST", "/score", [this](const HttpCall& call) { return score(call); });
  server_->handle("GET", "/routes",
                  [this](const HttpCall&) { return jsonReply(200, routes_.json()); });
  server_->handle("POST", "/routes", [this](const HttpCall& call) { return setRoutes(call); });
  auto listening = server_->listen();
  if (!listening) return fail(listening.error().code, "--admin: " + listening.error().message);
  return {};
}

// The model server is asked what it says of itself where the protocol has a way; else whether it
// takes connections.
HttpReply Admin::ready() {
  if (draining_) return {503, "ending\n"};
  const auto golden = golden_.state();
  if (!golden.good())
    return {503, "golden requests: " + golden.state + ": " + golden.message + "\n"};
  std::lock_guard lock(probeMutex_);
  const auto now = std::chrono::steady_clock::now();
  if (probed_ == std::chrono::steady_clock::time_point{} || now - probed_ > kProbeKept) {
    const bool asks = options_.protocol == "v2";
    const auto answer = call(upstream_, asks ? "GET" : "", "/v2/health/ready", "", kProbeLimit);
    probeProblem_.clear();
    if (!answer) probeProblem_ = answer.error().message;
    // a server without that path says 404, and serves nevertheless
    else if (answer->status >= 500)
      probeProblem_ = "GET /v2/health/ready: " + std::to_string(answer->status);
    probed_ = std::chrono::steady_clock::now();
  }
  if (!probeProblem_.empty()) return {503, probeProblem_ + "\n"};
  return {200, "ok\n"};
}

HttpReply Admin::windows(const HttpCall& call) const {
  const auto golden = golden_.state();
  const auto* windows = observer_.windows();
  std::string body =
      "{\"instance\":\"" + instance_ + "\",\"version\":" + dumped(options_.version) +
      ",\"golden\":" + dumped({{"state", golden.state}, {"message", golden.message}});
  body += ",\"dropped\":" + std::to_string(counters_.dropped()) + ",\"windows\":";
  body += windows ? windows->json(numberIn(call.query, "after", 0)) : "[]";
  const auto& labels = observer_.labels();
  body += ",\"feedback\":" + labels.blocks(numberIn(call.query, "feedbackAfter", 0));
  body += ",\"stray\":" + labels.stray(numberIn(call.query, "strayAfter", 0)) + "}";
  return jsonReply(200, std::move(body));
}

// How wrong this Pod's model is on rows that another one's was labelled on; and row by row, by how
// much less than that one, where "errors" says how wrong that was.
HttpReply Admin::score(const HttpCall& call) {
  std::unique_lock one(scoreMutex_,
                       std::try_to_lock);  // the other thread goes on answering the kubelet
  if (!one) return problem(429, "rows are being scored; ask again");
  const json value = readJson(call.body);
  const auto rows = value.is_object() ? value.find("rows") : value.end();
  if (!value.is_object() || rows == value.end() || !rows->is_array()) {
    return problem(400, "rows: must be an array of {\"request\": …, \"label\": …}");
  }
  const auto end = std::chrono::steady_clock::now() + kScoreLimit;
  ErrorSum sum, gain;
  std::size_t unscored = 0;
  for (std::size_t i = 0; i < rows->size() && i < kMaxScored; ++i) {
    const json& row = (*rows)[i];
    if (!row.is_object() || !row.contains("request") || !row.contains("label")) {
      return problem(400, "rows[" + std::to_string(i) + "]: needs 'request' and 'label'");
    }
    std::string path = inferencePath(options_.protocol, options_.model);
    if (options_.protocol == "json" && row.contains("path") && row["path"].is_string())
      path = row["path"].get<std::string>();
    const auto left =
        std::chrono::duration_cast<Milliseconds>(end - std::chrono::steady_clock::now());
    if (left <= Milliseconds::zero()) break;
    const auto answer = agent::monitor::call(upstream_, "POST", path, dumped(row["request"]), left);
    if (!answer) return problem(503, answer.error().message);
    const auto predictions = answer->status == 200
                                 ? parsePredictions(options_.protocol, answer->body)
                                 : std::vector<Prediction>();
    const json& label = row["label"];
    const std::size_t count = label.is_array() ? label.size() : 1;
    if (count != predictions.size()) {
      ++unscored;
      continue;
    }
    const json others = row.value("errors", json::array());
    for (std::size_t k = 0; k < count; ++k) {
      const json& truth = label.is_array() ? label[k] : label;
      if (truth.is_null()) continue;
      const double error = errorOf(predictions[k], {cellOf(truth), truth.is_number_float()});
      sum.add(error);
      if (others.is_array() && others.size() == count && others[k].is_number())
        gain.add(others[k].get<double>() - error);
    }
  }
  return jsonReply(200, dumped({{"n", sum.n},
                                {"errorSum", sum.sum},
                                {"errorSqSum", sum.squares},
                                {"pairs", gain.n},
                                {"gainSum", gain.sum},
                                {"gainSqSum", gain.squares},
                                {"unscored", unscored}}));
}

}  // namespace reprise::agent::monitor
