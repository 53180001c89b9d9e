#include "signals/prometheus_poll.h"

#include <algorithm>

#include "signals/json_text.h"
#include "signals/prometheus_answer.h"

namespace reprise::signals {
namespace {

// One server that hangs holds one of them for a deadline, and the others go on.
constexpr int kThreads = 3;

std::string encoded(const std::string& text) {
  static constexpr char digits[] = "0123456789ABCDEF";
  std::string out;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                       c == '-' || c == '_' || c == '.' || c == '~';
    if (plain) {
      out += c;
    } else {
      out += '%';
      out += digits[byte >> 4];
      out += digits[byte & 15];
    }
  }
  return out;
}

std::string secretReason(ErrorCode code) {
  if (code == ErrorCode::NotFound) return "SecretNotFound";
  if (code == ErrorCode::Forbidden) return "SecretForbidden";
  if (code == ErrorCode::InvalidArgument) return "SecretMalformed";
  return "SecretUnavailable";
}

}  // namespace

PrometheusPoll::PrometheusPoll(http::TransportFactory transports, const Clock& clock, Hooks hooks)
    : transports_(std::move(transports)), clock_(clock), hooks_(std::move(hooks)) {}

PrometheusPoll::~PrometheusPoll() { stop(); }

void PrometheusPoll::start() {
  for (int i = 0; i < kThreads; ++i)
    threads_.emplace_back([this](std::stop_token stop) { run(stop); });
}

void PrometheusPoll::stop() {
  for (auto& thread : threads_) thread.request_stop();
  wake_.notify_all();
  threads_.clear();  // joins
}

void PrometheusPoll::watch(const std::string& owner,
                           const std::optional<PrometheusTarget>& target) {
  {
    const std::lock_guard lock(mutex_);
    const auto it = owners_.find(owner);
    if (!target) {
      if (it != owners_.end()) owners_.erase(it);
      return;
    }
    if (it != owners_.end() && it->second.target == *target) return;
    Known next;
    next.target = *target;
    next.due = clock_.steady();
    owners_[owner] = std::move(next);
  }
  wake_.notify_one();
}

PrometheusView PrometheusPoll::view(const std::string& owner) const {
  const std::lock_guard lock(mutex_);
  const auto it = owners_.find(owner);
  return it == owners_.end() ? PrometheusView{} : it->second.view;
}

void PrometheusPoll::run(std::stop_token stop) {
  while (!stop.stop_requested()) {
    if (askOne(stop)) continue;
    std::unique_lock lock(mutex_);
    wake_.wait_for(lock, stop, std::chrono::milliseconds(200), [] { return false; });
  }
}

int PrometheusPoll::step(std::stop_token stop) {
  int count = 0;
  while (!stop.stop_requested() && askOne(stop)) ++count;
  return count;
}

// The one that has been due for the longest. False where none is.
bool PrometheusPoll::askOne(std::stop_token stop) {
  std::string owner;
  PrometheusTarget target;
  {
    const std::lock_guard lock(mutex_);
    const SteadyTime now = clock_.steady();
    Known* next = nullptr;
    for (auto& [name, known] : owners_) {
      if (known.underWay || known.due > now || (next && next->due <= known.due)) continue;
      owner = name;
      next = &known;
    }
    if (!next) return false;
    next->underWay = true;
    target = next->target;
  }
  PrometheusView seen = ask(target, stop);
  if (stop.stop_requested()) return false;
  if (hooks_.counted) hooks_.counted(seen.value ? "ok" : seen.reason);
  bool changed = false;
  {
    const std::lock_guard lock(mutex_);
    const auto it = owners_.find(owner);
    // Meanwhile it may have been changed to another query: this was the answer to the old one.
    if (it == owners_.end() || it->second.target != target) return true;
    auto& known = it->second;
    known.underWay = false;
    known.due = clock_.steady() + target.interval;
    changed = !known.view.asked || known.view.value != seen.value ||
              known.view.reason != seen.reason || known.view.message != seen.message;
    known.view = std::move(seen);
  }
  if (changed && hooks_.changed) hooks_.changed(owner);
  return true;
}

Expected<http::Request> PrometheusPoll::requestOf(const PrometheusTarget& target) const {
  http::Request out;
  std::string base = target.serverAddress;
  while (base.ends_with('/')) base.pop_back();
  out.url = base + "/api/v1/query?query=" + encoded(target.query) + "&timeout=4s";
  out.headers = {{"Accept", "application/json"}};
  if (target.secretName.empty()) return out;
  if (!target.serverAddress.starts_with("https://")) {
    return fail(ErrorCode::InvalidArgument,
                "spec.drift.source.prometheus.bearerToken is sent only over https");
  }
  auto token = hooks_.secret(target.secretNamespace, target.secretName, target.secretKey);
  if (!token) return tl::unexpected(token.error());
  while (!token->empty() && (token->back() == '\n' || token->back() == '\r')) token->pop_back();
  if (token->empty() || !isPrintable(*token)) {
    return fail(ErrorCode::InvalidArgument, "key " + target.secretKey + " of Secret " +
                                                target.secretName +
                                                " is no token: it must be printable ASCII");
  }
  out.headers.emplace_back("Authorization", "Bearer " + *token);
  return out;
}

PrometheusView PrometheusPoll::ask(const PrometheusTarget& target, std::stop_token stop) const {
  PrometheusView out;
  out.asked = true;
  const auto request = requestOf(target);
  if (!request) {
    out.reason = secretReason(request.error().code);
    out.message = "spec.drift.source.prometheus.bearerToken: " + request.error().message;
    return out;
  }
  http::TlsOptions tls;
  tls.caPem = target.caPem;
  const auto response = transports_(tls)->send(*request, kDeadline, stop, kMaxAnswer);
  if (!response) {
    using Kind = http::TransportError::Kind;
    const auto kind = response.error().kind;
    const char* hint = kind == Kind::Resolve   ? "its name cannot be looked up"
                       : kind == Kind::Connect ? "nothing takes the connection"
                       : kind == Kind::Tls     ? "its certificate is not trusted: set caBundle"
                       : kind == Kind::Timeout ? "it does not answer within 5 s"
                                               : "the connection broke";
    out.reason = "PrometheusUnreachable";
    out.message = "spec.drift.source.prometheus.serverAddress " + target.serverAddress +
                  " is not reached: " + hint;
    return out;
  }
  auto value = parsePrometheusAnswer(response->status, response->body);
  if (value) {
    out.value = *value;
  } else {
    out.reason = value.error().reason;
    out.message = value.error().message;
  }
  return out;
}

}  // namespace reprise::signals
