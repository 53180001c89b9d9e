#include "agent/monitor/observer.h"

#include <algorithm>

#include "agent/monitor/inflate.h"
#include "agent/monitor/rows.h"

namespace reprise::agent::monitor {
namespace {

constexpr std::size_t kMaxQueue = 4096;
// Samples with their room, to be filled again: those of a busy batch, or forwarding threads would
// allocate what this one frees.
constexpr std::size_t kKeptSamples = 512, kKeptBytes = 1 << 20;
constexpr auto kTick = std::chrono::milliseconds(100);
// Copies are looked at in batches: waking a thread for each would cost the forwarding thread a
// system call a request.
constexpr auto kBatch = std::chrono::milliseconds(5);

std::size_t sizeOf(const Sample& sample) {
  return sizeof sample + sample.body.size() + sample.answer.size();
}

}  // namespace

Observer::Observer(const MonitorOptions& options, VersionData data, Counters& counters,
                   const Clock& clock)
    : options_(options),
      counters_(counters),
      clock_(clock),
      feedback_(
          {options.remembered, options.labelledBytes, options.windowRows, options.windowAge, {}},
          clock),
      tokens_(std::max(1.0, options.sampleRate)),
      filled_(clock.steady()) {
  if (!data.basis) return;
  if (data.profile) drift_ = std::make_unique<DriftScore>(*data.basis, std::move(*data.profile));
  windows_ = std::make_unique<Windows>(std::move(*data.basis), options.windowRows,
                                       options.windowAge, clock, drift_.get());
}

Observer::~Observer() { stop(); }

void Observer::start() {
  thread_ = std::jthread([this](std::stop_token stop) { run(stop); });
}

void Observer::stop() {
  thread_.request_stop();
  if (thread_.joinable()) thread_.join();
}

// A bucket that holds what may be learned from in one second.
bool Observer::wants() {
  {
    std::lock_guard lock(rateMutex_);
    const auto now = clock_.steady();
    const double seconds = std::chrono::duration<double>(now - filled_).count();
    filled_ = now;
    tokens_ = std::min(std::max(1.0, options_.sampleRate), tokens_ + seconds * options_.sampleRate);
    if (tokens_ >= 1) {
      tokens_ -= 1;
      return true;
    }
  }
  monitor::add(counters_.droppedRate);
  return false;
}

void Observer::push(Sample& sample) {
  const std::size_t bytes = sizeOf(sample);
  bool wake = false;
  {
    std::lock_guard lock(mutex_);
    if (queue_.size() >= kMaxQueue || queuedBytes_ + bytes > options_.queueBytes) {
      monitor::add(counters_.droppedQueue);
      return;
    }
    queuedBytes_ += bytes;
    queue_.push_back(std::move(sample));
    if (!free_.empty()) {
      sample = std::move(free_.back());
      free_.pop_back();
    } else {
      sample = Sample();
    }
    wake = sleeping_;
  }
  if (wake) wake_.notify_one();
}

LocalReply Observer::feedback(std::string_view body, bool relayed) {
  auto labels = parseLabels(body);
  if (!labels) {
    return {400, nlohmann::json{{"error", labels.error().message}}.dump(
                     -1, ' ', false, nlohmann::json::error_handler_t::replace)};
  }
  const auto taken = feedback_.take(std::move(*labels), relayed);
  monitor::add(counters_.labels, taken.known);
  if (!relayed) monitor::add(counters_.labelsUnknown, taken.waiting);  // counted where it came in
  return {200, nlohmann::json{{"taken", taken.known},
                              {"waiting", taken.waiting},
                              {"repeated", taken.repeated},
                              {"unscored", taken.unscored}}
                   .dump()};
}

void Observer::learn(Sample& sample) {
  auto body = decoded(sample.body, sample.bodyEncoding, 4 * options_.copyBytes);
  if (!body) return monitor::add(counters_.unreadable);
  std::vector<Prediction> predictions;
  if (const auto answer = decoded(sample.answer, sample.answerEncoding, 1 << 20);
      answer && !answer->empty()) {
    predictions = parsePredictions(options_.protocol, *answer);
  }
  if (windows_) {
    const Rows rows = parseRows(options_.protocol, *body, windows_->basis());
    const bool answered = predictions.size() == rows.rows.size();
    for (std::size_t i = 0; i < rows.rows.size(); ++i) {
      const auto* answer = answered ? &predictions[i].value : nullptr;
      if (windows_->add(rows.rows[i], sample.arrivedMs, sample.context, answer))
        monitor::add(counters_.windows);
    }
    monitor::add(counters_.rows, rows.rows.size());
    monitor::add(rows.rows.empty() ? counters_.unreadable : counters_.requestsProfiled);
  }
  if (!feedback_.wantsBodies() || nlohmann::json::parse(*body, nullptr, false).is_discarded())
    body->clear();
  feedback_.remember(sample.id, sample.arrivedMs, std::move(predictions), sample.path,
                     std::move(*body));
}

void Observer::tick() {
  if (windows_ && windows_->tick()) monitor::add(counters_.windows);
  feedback_.tick();
  counters_.errorSum = feedback_.total().sum;
}

void Observer::run(std::stop_token stop) {
  // Of no lower priority than forwarding threads: preempted while it has the lock, it would keep
  // them waiting (seen as a p99 that grows with each step of niceness). The sample rate bounds what
  // it takes.
  std::vector<Sample> batch;
  while (true) {
    {
      std::unique_lock lock(mutex_);
      sleeping_ = true;
      wake_.wait_for(lock, stop, kTick, [this] { return !queue_.empty(); });
      sleeping_ = false;
      std::swap(batch, queue_);
    }
    for (Sample& sample : batch) learn(sample);
    tick();
    giveBack(batch);
    std::unique_lock lock(mutex_);
    if (stop.stop_requested() && queue_.empty()) return;
    wake_.wait_for(lock, stop, kBatch, [] { return false; });
  }
}

// Forwarding threads wait for the lock: memory is freed before it is taken.
void Observer::giveBack(std::vector<Sample>& batch) {
  std::size_t taken = 0, room = 0, kept = 0;
  for (Sample& sample : batch) {
    taken += sizeOf(sample);
    room += sample.body.capacity() + sample.answer.capacity();
    if (kept < kKeptSamples && room <= kKeptBytes) ++kept;
    sample.clear();
  }
  batch.resize(kept);
  {
    std::lock_guard lock(mutex_);
    queuedBytes_ -= taken;
    if (free_.size() < batch.size()) free_.swap(batch);
  }
  batch.clear();
}

}  // namespace reprise::agent::monitor
