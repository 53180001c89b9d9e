#include "agent/monitor/process.h"

#include <random>

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include "agent/monitor/call.h"
#include "agent/monitor/http_head.h"
#include "agent/monitor/version_data.h"

namespace reprise::agent::monitor {
namespace {

constexpr auto kStuck = std::chrono::seconds(10);

std::string idPrefix(int thread) {
  std::random_device random;
  return fmt::format("{:08x}{:04x}-{}-", random(), random() & 0xffff, thread);
}

Expected<void> check(const MonitorOptions& options) {
  const auto wrong = [](const std::string& what) { return fail(ErrorCode::InvalidArgument, what); };
  if (options.protocol != "v2" && options.protocol != "v1" && options.protocol != "json") {
    return wrong("--protocol: must be v2, v1 or json, not '" + options.protocol + "'");
  }
  if (options.threads < 1 || options.threads > 64) return wrong("--threads: must be 1 to 64");
  if (options.windowRows < 1) return wrong("--window-rows: must be at least 1");
  if (options.maxConnections < 1) return wrong("--max-connections: must be at least 1");
  if (!(options.sampleRate >= 0)) return wrong("--sample-rate: must not be negative");
  if (!options.version.empty() && !plainName(options.version))
    return wrong("--version: must be a name of a ModelVersion");
  return {};
}

}  // namespace

Process::Process(MonitorOptions options, std::shared_ptr<const Clock> clock)
    : options_(std::move(options)), clock_(std::move(clock)) {}

Process::~Process() { stop(); }

Expected<void> Process::start() {
  if (auto good = check(options_); !good) return good;
  const auto upstream = endpointOf(options_.upstream, "--upstream");
  if (!upstream) return tl::unexpected(upstream.error());
  const auto listen = endpointOf(options_.listen, "--listen");
  if (!listen) return tl::unexpected(listen.error());
  const auto admin = endpointOf(options_.admin, "--admin");
  if (!admin) return tl::unexpected(admin.error());
  auto data = readVersionData(options_.input);
  if (!data) return tl::unexpected(data.error());

  observer_ = std::make_unique<Observer>(options_, std::move(*data), counters_, *clock_);
  golden_ = std::make_unique<GoldenCheck>(options_, *upstream);
  Endpoint endpoint = *listen;
  for (int i = 0; i < options_.threads; ++i) {
    workers_.push_back(
        std::make_unique<Worker>(options_, *upstream, routes_, counters_, *observer_, idPrefix(i)));
    if (auto good = workers_.back()->listen(endpoint, options_.threads > 1); !good) return good;
    endpoint = workers_.front()->endpoint();  // the others take the port that the first one got
  }
  admin_ = std::make_unique<Admin>(options_, *upstream, *observer_, *golden_, counters_, routes_,
                                   [this] { return alive(); });
  if (auto good = admin_->listen(*admin); !good) return good;
  running_ = workers_.size();
  for (auto& worker : workers_) {
    threads_.emplace_back([this, &worker] {
      worker->run();
      --running_;
      std::lock_guard lock(mutex_);
      ended_.notify_all();
    });
  }
  observer_->start();
  golden_->start();
  admin_->start();
  return {};
}

std::uint16_t Process::port() const { return workers_.front()->endpoint().port(); }

bool Process::alive() const {
  const auto now = Steady::now();
  for (const auto& worker : workers_) {
    if (now - worker->lastTurn() > kStuck) return false;
  }
  return true;
}

bool Process::stop() {
  bool orderly = true;
  if (!threads_.empty()) {
    leave();
    for (auto& worker : workers_) worker->drain();
    {
      std::unique_lock lock(mutex_);
      orderly = ended_.wait_for(lock, options_.drainLimit, [this] { return running_ == 0; });
    }
    for (auto& worker : workers_) worker->stop();
    threads_.clear();
  }
  if (golden_) golden_->stop();
  if (admin_) admin_->stop();
  workers_.clear();
  if (observer_) observer_->stop();
  return orderly;
}

}  // namespace reprise::agent::monitor
