// FakeClock for tests with threads.
#pragma once

#include <atomic>

#include "base/time.h"

namespace reprise::runtime::testing {

class AtomicClock final : public Clock {
 public:
  Time now() const override { return Time{Milliseconds{ms_.load()}}; }
  SteadyTime steady() const override { return SteadyTime{Milliseconds{ms_.load()}}; }
  void advance(Milliseconds by) { ms_ += by.count(); }

 private:
  std::atomic<std::int64_t> ms_ = 1'700'000'000'000;
};

}  // namespace reprise::runtime::testing
