#include "runtime/elector.h"

#include <algorithm>
#include <utility>

#include <spdlog/spdlog.h>

#include "runtime/json_view.h"

namespace reprise::runtime {

using kube::resources::leases;
using nlohmann::json;

namespace {

std::string holderOf(const json& lease) {
  const json& holder = member(member(lease, "spec"), "holderIdentity");
  return holder.is_string() ? holder.get<std::string>() : std::string();
}

std::int64_t numberOf(const json& lease, const char* field, std::int64_t otherwise) {
  const json& value = member(member(lease, "spec"), field);
  return value.is_number_integer() ? value.get<std::int64_t>() : otherwise;
}

}  // namespace

Elector::Elector(kube::Client& client, const Clock& clock, Options options, Callbacks callbacks,
                 std::function<double()> random01)
    : client_(client),
      clock_(clock),
      options_(std::move(options)),
      callbacks_(std::move(callbacks)),
      random01_(std::move(random01)) {}

Elector::~Elector() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_all();
  if (electThread_.joinable()) electThread_.join();
  if (watchThread_.joinable()) watchThread_.join();
}

bool Elector::leads() const {
  if (!leading_ || lost_) return false;
  return clock_.steady() <
         SteadyTime{std::chrono::nanoseconds{renewedAt_}} + options_.renewDeadline;
}

std::string Elector::holder() const {
  const std::lock_guard lock(mutex_);
  return holderOf(observed_);
}

// A lease that did not change for its duration, as seen from here, is nobody's.
bool Elector::heldByAnother(const json& lease) {
  const std::lock_guard lock(mutex_);
  if (lease != observed_) {
    observed_ = lease;
    observedAt_ = clock_.steady();
  }
  const std::string holder = holderOf(lease);
  if (holder.empty() || holder == options_.identity) return false;
  const std::chrono::seconds theirs{numberOf(lease, "leaseDurationSeconds", 0)};
  return clock_.steady() < observedAt_ + std::max<Milliseconds>(options_.leaseDuration, theirs);
}

Expected<json> Elector::writeLease(const json* seen) {
  const std::string now = formatTime(clock_.now(), 6);
  json lease = seen ? *seen
                    : json{{"apiVersion", leases.apiVersion()},
                           {"kind", leases.kind},
                           {"metadata", {{"name", options_.name}, {"namespace", options_.ns}}}};
  json& spec = lease["spec"];
  const bool mine = seen && holderOf(*seen) == options_.identity;
  const std::int64_t transitions = seen ? numberOf(*seen, "leaseTransitions", 0) : 0;
  if (!mine) {
    spec["acquireTime"] = now;
    spec["leaseTransitions"] = seen ? transitions + 1 : transitions;
  }
  spec["holderIdentity"] = options_.identity;
  spec["leaseDurationSeconds"] =
      std::chrono::duration_cast<std::chrono::seconds>(options_.leaseDuration).count();
  spec["renewTime"] = now;
  return seen ? client_.replace(leases, options_.ns, lease)
              : client_.create(leases, options_.ns, lease);
}

bool Elector::attempt() {
  if (lost_) return false;
  const Expected<json> seen = client_.get(leases, options_.ns, options_.name);
  if (!seen && seen.error().code != ErrorCode::NotFound) {
    spdlog::warn("leader election: reading Lease {}/{} failed: {}", options_.ns, options_.name,
                 seen.error().message);
    return leading_;
  }
  if (seen && heldByAnother(*seen)) {
    if (leading_) lost("the Lease was taken over by " + holderOf(*seen));
    return false;
  }
  if (leading_ && (!seen || holderOf(*seen) != options_.identity)) {
    // Deleted or emptied by a hand. Somebody else may have led in between: taking it again would
    // hide that.
    lost("the Lease no longer names this process");
    return false;
  }
  const SteadyTime sent = clock_.steady();
  Expected<json> written = writeLease(seen ? &*seen : nullptr);
  if (!written) {
    if (written.error().code != ErrorCode::Conflict &&
        written.error().code != ErrorCode::AlreadyExists) {
      spdlog::warn("leader election: writing Lease {}/{} failed: {}", options_.ns, options_.name,
                   written.error().message);
    }
    return leading_;
  }
  won(sent, std::move(*written));
  return leading_;
}

void Elector::won(SteadyTime sent, json lease) {
  {
    const std::lock_guard lock(mutex_);
    observed_ = std::move(lease);
    observedAt_ = clock_.steady();
  }
  if (lost_)
    return;  // the watchdog was quicker: an answer that came too late does not bring the lease back
  renewedAt_ = sent.time_since_epoch().count();
  if (leading_.exchange(true)) return;
  spdlog::info("leader election: this process ({}) leads", options_.identity);
  if (callbacks_.onElected) callbacks_.onElected();
}

void Elector::lost(const std::string& why) {
  if (lost_.exchange(true)) return;
  leading_ = false;
  if (callbacks_.onLost) callbacks_.onLost(why);
}

bool Elector::checkDeadline() {
  if (lost_) return false;
  if (!leading_ || leads()) return true;
  lost("the Lease could not be renewed within " + formatDuration(options_.renewDeadline));
  return false;
}

void Elector::start() {
  electThread_ = std::thread([this] { electLoop(); });
  watchThread_ = std::thread([this] { watchLoop(); });
}

bool Elector::stop() {
  {
    const std::lock_guard lock(mutex_);
    if (stopping_) return true;
    stopping_ = true;
  }
  wake_.notify_all();
  if (electThread_.joinable()) electThread_.join();
  if (watchThread_.joinable()) watchThread_.join();
  release();
  return true;
}

void Elector::release() {
  if (!leads()) return;
  leading_ = false;
  json lease;
  {
    const std::lock_guard lock(mutex_);
    lease = observed_;  // with its resourceVersion: refused if it is no longer ours
  }
  json& spec = lease["spec"];
  spec["holderIdentity"] = "";
  spec["leaseDurationSeconds"] = 1;
  spec["renewTime"] = formatTime(clock_.now(), 6);
  const Expected<json> done = client_.replace(leases, options_.ns, lease);
  if (!done) {
    spdlog::warn("leader election: the Lease was not released ({}); a successor waits it out",
                 done.error().message);
  }
}

Milliseconds Elector::nextWait() {
  const double factor = leading_ ? 1.0 : 1.0 + options_.jitter * random01_();
  return Milliseconds{
      static_cast<std::int64_t>(static_cast<double>(options_.retryPeriod.count()) * factor)};
}

bool Elector::sleep(Milliseconds time) {
  std::unique_lock lock(mutex_);
  return !wake_.wait_for(lock, time, [this] { return stopping_; });
}

void Elector::electLoop() {
  do {
    attempt();
  } while (!lost_ && sleep(nextWait()));
}

void Elector::watchLoop() {
  // Often enough that the exit comes well before the lease of leaseDuration ends for the others.
  const Milliseconds step = std::min(Milliseconds{250}, options_.renewDeadline / 4);
  while (checkDeadline() && sleep(step)) {
  }
}

}  // namespace reprise::runtime
