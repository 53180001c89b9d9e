#include "agent/monitor/golden_check.h"

#include <algorithm>
#include <condition_variable>

#include <spdlog/spdlog.h>

#include "agent/golden.h"
#include "agent/monitor/call.h"
#include "agent/monitor/json_read.h"

namespace reprise::agent::monitor {
namespace {

constexpr auto kPause = std::chrono::milliseconds(200);
constexpr auto kAnswerLimit = std::chrono::seconds(30);
constexpr std::size_t kShownBytes = 200;

// A server that loads its model answers so: 404 where it does not know the model yet, 5xx.
bool loading(int status) { return status == 404 || status >= 500; }

}  // namespace

GoldenCheck::GoldenCheck(const MonitorOptions& options, boost::asio::ip::tcp::endpoint server)
    : options_(options), server_(server) {
  if (options_.golden.empty()) state_ = {"Skipped", "no golden requests are asked for"};
}

void GoldenCheck::start() {
  if (options_.golden.empty()) return;
  thread_ = std::jthread([this](std::stop_token stop) { run(stop); });
}

void GoldenCheck::stop() {
  thread_.request_stop();
  if (thread_.joinable()) thread_.join();
}

GoldenState GoldenCheck::state() const {
  std::lock_guard lock(mutex_);
  return state_;
}

void GoldenCheck::set(std::string state, std::string message) {
  spdlog::info("monitor: golden requests: {}: {}", state, message);
  std::lock_guard lock(mutex_);
  state_ = {std::move(state), std::move(message)};
}

void GoldenCheck::run(std::stop_token stop) {
  auto examples = readExamples(options_.golden);
  if (!examples && examples.error().code == ErrorCode::NotFound) {
    return set("Skipped", "this version has no golden requests: " + examples.error().message);
  }
  if (!examples) return set("Failed", examples.error().message);
  const auto path = inferencePath(options_.protocol, options_.model);
  const auto end = std::chrono::steady_clock::now() + options_.goldenTimeout;
  std::mutex mutex;
  std::condition_variable_any never;
  for (std::size_t i = 0; i < examples->size() && !stop.stop_requested();) {
    const auto& example = (*examples)[i];
    const std::string which =
        "golden request " + std::to_string(i + 1) + " of " + std::to_string(examples->size());
    const auto left =
        std::chrono::duration_cast<Milliseconds>(end - std::chrono::steady_clock::now());
    const auto answer =
        call(server_, "POST", path, example.request.dump(),
             std::clamp<Milliseconds>(left, Milliseconds(50), Milliseconds(kAnswerLimit)));
    if (answer && answer->status == 200) {
      const auto actual = readJson(answer->body);
      if (actual.is_discarded()) return set("Failed", which + ": the answer is not JSON");
      const auto found = difference(example.response, actual, example.tolerance);
      if (!found.empty()) return set("Failed", which + ": " + found);
      ++i;
      continue;
    }
    std::string why = answer ? "the model server answered " + std::to_string(answer->status) +
                                   ": " + answer->body.substr(0, kShownBytes)
                             : answer.error().message;
    if (answer && !loading(answer->status)) return set("Failed", which + ": " + asUtf8(why));
    if (std::chrono::steady_clock::now() >= end) {
      return set("Failed", which + ": not answered within " +
                               formatDuration(options_.goldenTimeout) + "; " + asUtf8(why));
    }
    std::unique_lock lock(mutex);
    never.wait_for(lock, stop, kPause, [] { return false; });
  }
  if (!stop.stop_requested())
    set("Passed",
        std::to_string(examples->size()) + " golden requests were answered as when trained");
}

}  // namespace reprise::agent::monitor
