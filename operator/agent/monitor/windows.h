// Live rows gathered into windows, each a profile over the model's basis: closed by count or by
// age. The last ones are kept, so that a reader who misses a poll misses nothing. Thread-safe.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <mutex>
#include <string>
#include <vector>

#include "agent/monitor/drift_score.h"
#include "base/time.h"
#include "drift/basis.h"
#include "drift/profile.h"

namespace reprise::agent::monitor {

inline constexpr std::size_t kKeptWindows = 64;
inline constexpr std::size_t kMaxContexts = 32;  // by name, a window; the others count as "other"
inline constexpr std::size_t kWindowsAnswer = 4 << 20;  // bytes; a reader asks again for the rest

class Windows {
 public:
  // `score` is told of each window that is closed; null: none.
  Windows(drift::Basis basis, std::size_t rows, Milliseconds age, const Clock& clock,
          DriftScore* score = nullptr);

  const drift::Basis& basis() const { return basis_; }
  // `context`: "" where the request named none; `answer`: the model's, null where it is not known.
  // True where it closed a window.
  bool add(const drift::Row& row, std::int64_t arrivedMs, const std::string& context,
           const drift::Cell* answer = nullptr);
  // Closes a window that is old enough.
  bool tick();
  // Closes what there is: at the end.
  bool flush();

  // A JSON array of those with seq > after, ascending.
  std::string json(std::int64_t after) const;
  std::int64_t lastSeq() const;

 private:
  struct Closed {
    std::int64_t seq;
    std::string json;
  };
  bool close();

  const drift::Basis basis_;
  const std::size_t rows_;
  const Milliseconds age_;
  const Clock& clock_;
  DriftScore* const score_;
  mutable std::mutex mutex_;
  drift::Profile open_;
  std::int64_t firstMs_ = 0, lastMs_ = 0, seq_ = 0;
  SteadyTime opened_{};
  std::map<std::string, std::int64_t> contexts_;
  std::deque<Closed> closed_;
};

}  // namespace reprise::agent::monitor
