// Points in time as Kubernetes writes them, and the clock that is passed in.
#pragma once

#include <chrono>
#include <string>
#include <string_view>

#include "base/result.h"

namespace reprise {

using Milliseconds = std::chrono::milliseconds;
using Time = std::chrono::sys_time<Milliseconds>;  // wall clock, UTC
using SteadyTime = std::chrono::time_point<std::chrono::steady_clock, std::chrono::nanoseconds>;

// "2026-01-02T03:04:05Z", or with milliseconds where there are some. metav1.Time has whole seconds,
// metav1.MicroTime (Lease) six digits: pass digits = 0, 3 or 6.
std::string formatTime(Time time, int digits = 0);
// RFC 3339 with Z or an offset, any number of fraction digits; what is finer than 1 ms is cut off.
Expected<Time> parseTime(std::string_view text);

// Durations as Go and Kubernetes write them: "90s", "1h30m", "250ms", "1.5h". Units ns us ms s m h;
// at least one.
Expected<Milliseconds> parseDuration(std::string_view text);
std::string formatDuration(Milliseconds duration);

class Clock {
 public:
  virtual ~Clock() = default;
  virtual Time now() const = 0;           // for what is written into objects
  virtual SteadyTime steady() const = 0;  // for deadlines: it never jumps
};

class SystemClock final : public Clock {
 public:
  Time now() const override;
  SteadyTime steady() const override;
};

// For tests: stands still until it is told to move.
class FakeClock final : public Clock {
 public:
  explicit FakeClock(Time start = Time{Milliseconds{1'700'000'000'000}}) : now_(start) {}
  Time now() const override { return now_; }
  SteadyTime steady() const override { return SteadyTime{now_.time_since_epoch()}; }
  void advance(Milliseconds by) { now_ += by; }

 private:
  Time now_;
};

}  // namespace reprise
