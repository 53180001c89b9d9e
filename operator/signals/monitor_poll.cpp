#include "signals/monitor_poll.h"

#include <nlohmann/json.hpp>

namespace reprise::signals {
namespace {

constexpr auto kDeadline =
    std::chrono::seconds(2);  // a Pod of this cluster answers in milliseconds

std::string text(const nlohmann::json& object, const char* key) {
  const auto it = object.find(key);
  return it != object.end() && it->is_string() ? it->get<std::string>() : std::string();
}

std::int64_t integer(const nlohmann::json& object, const char* key) {
  const auto it = object.find(key);
  return it != object.end() && it->is_number_integer() ? it->get<std::int64_t>() : -1;
}

}  // namespace

Expected<MonitorAnswer> parseMonitorAnswer(const std::string& body, const std::string& version) {
  const auto json = nlohmann::json::parse(body, nullptr, false);
  if (!json.is_object())
    return fail(ErrorCode::InvalidArgument, "the monitor's answer is not a JSON object");
  MonitorAnswer out;
  out.instance = text(json, "instance");
  if (const auto golden = json.find("golden"); golden != json.end() && golden->is_object()) {
    out.golden = text(*golden, "state");
    out.message = text(*golden, "message");
  }
  const auto windows = json.find("windows");
  if (windows == json.end() || !windows->is_array()) return out;
  for (const auto& entry : *windows) {
    if (!entry.is_object() || !entry.contains("profile"))
      return fail(ErrorCode::InvalidArgument, "windows: an entry has no profile");
    auto profile = drift::Profile::fromJson(entry["profile"]);
    if (!profile) return tl::unexpected(profile.error());
    const auto seq = integer(entry, "seq");
    if (seq < 0 || (!out.windows.empty() && seq <= out.windows.back().first)) {
      return fail(ErrorCode::InvalidArgument, "windows: seq must ascend");
    }
    out.windows.emplace_back(seq, drift::Window{version, integer(entry, "firstMs"),
                                                integer(entry, "lastMs"), std::move(*profile)});
    if (out.windows.size() > kMaxWindows) out.windows.erase(out.windows.begin());
  }
  return out;
}

MonitorPoll::MonitorPoll(std::shared_ptr<http::Transport> transport, Milliseconds interval,
                         std::function<void(const std::string&)> changed)
    : transport_(std::move(transport)), interval_(interval), changed_(std::move(changed)) {}

MonitorPoll::~MonitorPoll() { stop(); }

void MonitorPoll::start() {
  thread_ = std::jthread([this](std::stop_token stop) { run(stop); });
}

void MonitorPoll::stop() {
  thread_.request_stop();
  wake_.notify_all();
  if (thread_.joinable()) thread_.join();
}

void MonitorPoll::watch(const std::string& owner, std::vector<MonitorTarget> targets) {
  std::lock_guard lock(mutex_);
  auto& known = owners_[owner];
  std::map<std::string, Known> next;
  for (auto& target : targets) {
    const auto it = known.find(target.uid);
    if (it != known.end() && it->second.target == target)
      next.insert(*it);
    else
      next[target.uid].target = std::move(target);
  }
  known = std::move(next);
  if (known.empty()) owners_.erase(owner);
}

std::map<std::string, MonitorView> MonitorPoll::view(const std::string& owner) const {
  std::lock_guard lock(mutex_);
  std::map<std::string, MonitorView> out;
  if (const auto it = owners_.find(owner); it != owners_.end()) {
    for (const auto& [uid, known] : it->second) out[known.target.pod] = known.view;
  }
  return out;
}

void MonitorPoll::run(std::stop_token stop) {
  while (!stop.stop_requested()) {
    {
      std::unique_lock lock(mutex_);
      wake_.wait_for(lock, stop, interval_, [] { return false; });
    }
    step(stop);
  }
}

void MonitorPoll::step(std::stop_token stop) {
  std::vector<std::pair<std::string, MonitorTarget>> all;
  {
    std::lock_guard lock(mutex_);
    for (const auto& [owner, pods] : owners_) {
      for (const auto& [uid, known] : pods) all.emplace_back(owner, known.target);
    }
  }
  for (const auto& [owner, target] : all) {
    if (stop.stop_requested()) return;
    if (poll(owner, target, stop)) changed_(owner);
  }
}

// Whether it said something new. A monitor that does not answer is a Pod that is starting, or
// ending: its readiness says so, and the next poll asks again.
bool MonitorPoll::poll(const std::string& owner, const MonitorTarget& target,
                       std::stop_token stop) {
  const auto find = [&]() -> Known* {
    const auto it = owners_.find(owner);
    if (it == owners_.end()) return nullptr;
    const auto pod = it->second.find(target.uid);
    return pod == it->second.end() ? nullptr : &pod->second;
  };
  std::int64_t after = 0;
  {
    std::lock_guard lock(mutex_);
    if (const Known* known = find()) after = known->after;
  }
  auto response = transport_->send(
      {"GET", "http://" + target.address + "/windows?after=" + std::to_string(after), {}, {}},
      kDeadline, stop, kMaxAnswer);
  if (!response || response->status != 200) return false;
  auto answer = parseMonitorAnswer(response->body, target.version);
  if (!answer) return false;
  std::lock_guard lock(mutex_);
  Known* known = find();
  if (!known) return false;
  if (known->instance != answer->instance) {
    const bool restarted = !known->instance.empty();
    known->instance = answer->instance;
    known->after = 0;
    if (restarted) return false;  // its numbers begin anew: ask from the beginning next time
  }
  bool changed = known->view.golden != answer->golden;
  known->view.golden = answer->golden;
  known->view.message = answer->message;
  for (auto& [seq, window] : answer->windows) {
    if (seq <= known->after) continue;
    known->after = seq;
    known->view.windows.push_back(std::move(window));
    if (known->view.windows.size() > kMaxWindows) known->view.windows.pop_front();
    changed = true;
  }
  return changed;
}

}  // namespace reprise::signals
