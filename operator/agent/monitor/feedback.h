// What the truth says about the predictions that were given: labels come by the id of a request,
// perhaps long after it. Their errors are gathered into blocks like windows, and the labelled rows
// are kept for the versions that stand by, whose error on them is asked with POST /score.
// Thread-safe; everything is bounded.
#pragma once

#include <atomic>
#include <cstdint>
#include <deque>
#include <mutex>
#include <string>
#include <unordered_map>
#include <vector>

#include "agent/monitor/label.h"
#include "agent/monitor/rows.h"
#include "agent/monitor/sink.h"
#include "agent/monitor/waiting_labels.h"
#include "base/time.h"

namespace reprise::agent::monitor {

inline constexpr std::size_t kKeptBlocks = 64;
inline constexpr std::size_t kLabelledAnswer = 4 << 20;  // bytes; a reader asks again for the rest

struct ErrorSum {
  std::int64_t n = 0;
  double sum = 0, squares = 0;
  void add(double error) {
    ++n;
    sum += error;
    squares += error * error;
  }
};

class Feedback {
 public:
  struct Options {
    std::size_t remembered = 20'000;      // requests
    std::size_t labelledBytes = 8 << 20;  // of labelled rows; twice as much waits for labels
    std::size_t blockRows = 50;
    Milliseconds blockAge{5'000};
    WaitingLabels::Limits waiting;
  };
  Feedback(const Options& options, const Clock& clock)
      : options_(options), clock_(clock), waiting_(options.waiting) {}

  // Bodies are kept once the first label has come: most models never get one.
  bool wantsBodies() const { return wantsBodies_; }
  void remember(const std::string& id, std::int64_t arrivedMs, std::vector<Prediction> predictions,
                std::string path, std::string body);

  struct Taken {
    std::size_t known = 0, waiting = 0, repeated = 0, unscored = 0;
    double errorSum = 0;
  };
  // `relayed`: they come from another Pod, which did not know their requests; where they are not
  // known here either they wait, and are not stray again.
  Taken take(std::vector<Label> labels, bool relayed = false);
  void tick();

  // A JSON array of the blocks with seq > after.
  std::string blocks(std::int64_t after) const;
  // A JSON array of the labels with seq > after whose request this Pod has not seen.
  std::string stray(std::int64_t after) const;
  // {"rows": [{"seq", "request", "label", "errors", "path", "atMs"}, …]}: those with seq > after in
  // the order in which they were labelled, at most `limit` and kLabelledAnswer bytes, but for the
  // first. "errors": of this Pod's own predictions, null where the label is.
  std::string labelled(std::int64_t after, std::size_t limit) const;
  ErrorSum total() const;

 private:
  struct Request {
    std::int64_t arrivedMs = 0;
    std::uint64_t serial = 0;
    std::vector<Prediction> predictions;
    std::string path, body;
    bool labelled = false;
  };
  struct Row {
    std::int64_t seq;
    std::string request, label, errors, path;
    std::int64_t atMs;
    std::size_t bytes() const {
      return request.size() + label.size() + errors.size() + path.size() + sizeof(Row);
    }
  };
  struct Block {
    std::int64_t seq = 0, firstMs = 0, lastMs = 0;
    ErrorSum errors;
  };

  void apply(const Label& label, Request& request, Taken& taken);
  void score(std::int64_t ms, double error);
  void close();
  void forgetOld();

  const Options options_;
  const Clock& clock_;
  std::atomic<bool> wantsBodies_{false};
  mutable std::mutex mutex_;
  std::unordered_map<std::string, Request> requests_;
  // Oldest first, by the key in requests_ and the serial. An id may come again: the older entry is
  // passed over, and the key stays until the newest entry is gone.
  std::deque<std::pair<const std::string*, std::uint64_t>> order_, bodies_;
  std::size_t bodyBytes_ = 0, rowBytes_ = 0;
  std::uint64_t serial_ = 0;
  WaitingLabels waiting_;
  std::int64_t rowSeq_ = 0;
  std::deque<Row> rows_;  // ascending
  Block open_;
  SteadyTime opened_{};
  std::int64_t seq_ = 0;
  std::deque<Block> blocks_;
  ErrorSum total_;
};

}  // namespace reprise::agent::monitor
