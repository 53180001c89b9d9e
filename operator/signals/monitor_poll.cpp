#include "signals/monitor_poll.h"

namespace reprise::signals {
namespace {

constexpr auto kDeadline =
    std::chrono::seconds(2);         // a Pod of this cluster answers in milliseconds
constexpr std::size_t kThreads = 4;  // Pods that do not answer hold them for kDeadline each
constexpr int kQuiet = 10;           // answers with nothing new, after which it is asked less often
constexpr Milliseconds kQuietPause{2'000}, kUnreachablePause{5'000};

SteadyTime now() { return SystemClock().steady(); }

template <class T>
void append(std::deque<T>& list, T value, std::size_t most) {
  list.push_back(std::move(value));
  if (list.size() > most) list.pop_front();
}

// Takes over what is newer than `after`. True where there was something.
template <class T>
bool takeOver(MonitorAnswer::Numbered<T>& from, std::int64_t& after, std::deque<T>& to,
              std::size_t most) {
  bool news = false;
  for (auto& [seq, value] : from) {
    if (seq <= after) continue;
    after = seq;
    append(to, std::move(value), most);
    news = true;
  }
  return news;
}

}  // namespace

MonitorPoll::MonitorPoll(std::shared_ptr<http::Transport> transport, Milliseconds interval,
                         std::function<void(const std::string&)> changed)
    : transport_(std::move(transport)), interval_(interval), changed_(std::move(changed)) {}

MonitorPoll::~MonitorPoll() { stop(); }

void MonitorPoll::start() {
  for (std::size_t i = 0; i < kThreads; ++i)
    threads_.emplace_back([this](std::stop_token stop) { work(stop); });
}

void MonitorPoll::stop() {
  for (auto& thread : threads_) thread.request_stop();
  wake_.notify_all();
  threads_.clear();
}

void MonitorPoll::schedule(const std::string& owner, const std::string& uid, Known& known,
                           SteadyTime at) {
  known.serial = ++serial_;
  schedule_.emplace(at, Due{owner, uid, known.serial});
}

void MonitorPoll::watch(const std::string& owner, std::vector<MonitorTarget> targets,
                        MonitorRoutes routes) {
  std::lock_guard lock(mutex_);
  auto& known = owners_[owner];
  std::map<std::string, Known> next;
  for (auto& target : targets) {
    const auto it = known.find(target.uid);
    if (it != known.end() && it->second.target == target) {
      next.insert(std::move(*it));
      continue;
    }
    auto& added = next[target.uid];
    const std::string uid = target.uid;
    added.target = std::move(target);
    schedule(owner, uid, added, now());
    wake_.notify_one();
  }
  for (auto& [uid, one] : next) {
    const auto body = routes.bodies.find(uid);
    one.token = routes.token;
    one.routes = body == routes.bodies.end() ? std::string() : body->second;
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

MonitorPoll::Known* MonitorPoll::find(const std::string& owner, const std::string& uid) {
  const auto pods = owners_.find(owner);
  if (pods == owners_.end()) return nullptr;
  const auto pod = pods->second.find(uid);
  return pod == pods->second.end() ? nullptr : &pod->second;
}

void MonitorPoll::work(std::stop_token stop) {
  std::unique_lock lock(mutex_);
  while (!stop.stop_requested()) {
    if (schedule_.empty()) {
      wake_.wait(lock, stop, [&] { return !schedule_.empty(); });
      continue;
    }
    const SteadyTime at = schedule_.begin()->first;
    if (at > now()) {
      wake_.wait_until(lock, stop, at,
                       [&] { return schedule_.empty() || schedule_.begin()->first < at; });
      continue;
    }
    const Due due = std::move(schedule_.begin()->second);
    schedule_.erase(schedule_.begin());
    if (Known* known = find(due.owner, due.uid); !known || known->serial != due.serial) continue;
    lock.unlock();
    const Said said = poll(due.owner, due.uid, stop);
    if (said == Said::News) changed_(due.owner);
    lock.lock();
    Known* known = find(due.owner, due.uid);
    if (!known || known->serial != due.serial) continue;
    known->quiet = said == Said::Nothing ? known->quiet + 1 : 0;
    if (said == Said::Unreachable)
      known->pause =
          std::clamp(2 * known->pause, interval_, std::max(interval_, kUnreachablePause));
    else
      known->pause = known->quiet > kQuiet ? std::max(interval_, kQuietPause) : interval_;
    schedule(due.owner, due.uid, *known, now() + known->pause);
  }
}

void MonitorPoll::step(std::stop_token stop) {
  std::vector<std::pair<std::string, std::string>> all;
  {
    std::lock_guard lock(mutex_);
    for (const auto& [owner, pods] : owners_) {
      for (const auto& [uid, known] : pods) all.emplace_back(owner, uid);
    }
  }
  for (const auto& [owner, uid] : all) {
    if (stop.stop_requested()) return;
    if (poll(owner, uid, stop) == Said::News) changed_(owner);
  }
}

MonitorPoll::Said MonitorPoll::poll(const std::string& owner, const std::string& uid,
                                    std::stop_token stop) {
  std::string url, version;
  {
    std::lock_guard lock(mutex_);
    const Known* known = find(owner, uid);
    if (!known) return Said::Nothing;
    version = known->target.version;
    url = "http://" + known->target.address + "/windows?after=" + std::to_string(known->after) +
          "&feedbackAfter=" + std::to_string(known->labelsAfter) +
          "&strayAfter=" + std::to_string(known->strayAfter);
  }
  auto response = transport_->send({"GET", url, {}, {}}, kDeadline, stop, kMaxAnswer);
  if (!response) return unreachable(owner, uid, response.error().message);
  if (response->status != 200)
    return unreachable(owner, uid, "HTTP status " + std::to_string(response->status));
  auto answer = parseMonitorAnswer(response->body, version);
  if (!answer) return unreachable(owner, uid, answer.error().message);
  std::vector<nlohmann::json> stray;
  const Said said = take(owner, uid, std::move(*answer), stray);
  tellRoutes(owner, uid, stop);
  if (!stray.empty()) relay(owner, uid, stray, stop);
  return said;
}

// A Pod that is starting, or ending, or whose node cannot be reached: the next poll asks again.
MonitorPoll::Said MonitorPoll::unreachable(const std::string& owner, const std::string& uid,
                                           std::string problem) {
  std::lock_guard lock(mutex_);
  if (Known* known = find(owner, uid)) known->view.problem = std::move(problem);
  return Said::Unreachable;
}

MonitorPoll::Said MonitorPoll::take(const std::string& owner, const std::string& uid,
                                    MonitorAnswer answer, std::vector<nlohmann::json>& stray) {
  std::lock_guard lock(mutex_);
  Known* known = find(owner, uid);
  if (!known) return Said::Nothing;
  known->view.problem.clear();
  if (known->instance != answer.instance) {
    const bool restarted = !known->instance.empty();
    known->instance = answer.instance;
    known->after = known->labelsAfter = known->strayAfter = 0;
    known->routesSent.clear();
    if (restarted) return Said::Nothing;  // its numbers begin anew: asked from the beginning next
  }
  bool news = known->view.golden != answer.golden;
  known->view.golden = std::move(answer.golden);
  known->view.message = std::move(answer.message);
  news |= takeOver(answer.windows, known->after, known->view.windows, kMaxWindows);
  news |= takeOver(answer.labels, known->labelsAfter, known->view.labels, kMaxBlocks);
  for (auto& [seq, label] : answer.stray) {
    if (seq <= known->strayAfter) continue;
    known->strayAfter = seq;
    stray.push_back(std::move(label));
  }
  return news ? Said::News : Said::Nothing;
}

void MonitorPoll::tellRoutes(const std::string& owner, const std::string& uid,
                             std::stop_token stop) {
  std::string address, token, body;
  {
    std::lock_guard lock(mutex_);
    const Known* known = find(owner, uid);
    if (!known || known->routes.empty() || known->routes == known->routesSent) return;
    address = known->target.address;
    token = known->token;
    body = known->routes;
  }
  const auto told = transport_->send(
      {"POST",
       "http://" + address + "/routes",
       {{"authorization", "Bearer " + token}, {"content-type", "application/json"}},
       body},
      kDeadline, stop, kMaxAnswer);
  std::lock_guard lock(mutex_);
  Known* known = find(owner, uid);
  if (!known) return;
  if (told && told->status / 100 == 2)
    known->routesSent = body;
  else
    known->view.problem = "POST /routes: " + (told ? "HTTP status " + std::to_string(told->status)
                                                   : told.error().message);
}

// To every other Pod of the owner, those of earlier versions too: a label may come after a switch.
// A Pod that cannot be reached has forgotten its requests, or will.
void MonitorPoll::relay(const std::string& owner, const std::string& from,
                        const std::vector<nlohmann::json>& stray, std::stop_token stop) {
  std::vector<std::string> addresses;
  {
    std::lock_guard lock(mutex_);
    const auto pods = owners_.find(owner);
    if (pods == owners_.end()) return;
    for (const auto& [uid, known] : pods->second) {
      if (uid != from) addresses.push_back(known.target.address);
    }
  }
  const std::string body =
      nlohmann::json(stray).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
  for (const auto& address : addresses) {
    if (stop.stop_requested()) return;
    (void)transport_->send({"POST",
                            "http://" + address + "/feedback?relayed=1",
                            {{"content-type", "application/json"}},
                            body},
                           kDeadline, stop, kMaxAnswer);
  }
}

}  // namespace reprise::signals
