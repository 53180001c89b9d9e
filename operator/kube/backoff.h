// How long to wait before the next try: doubles from min to max, each drawn from between it and
// twice it, so that many clients of a server that comes back do not come at once. Starts over where
// the last try was long ago.
#pragma once

#include <algorithm>
#include <random>

#include "base/time.h"

namespace reprise::kube {

class Backoff {
 public:
  Backoff(Milliseconds min, Milliseconds max, Milliseconds resetAfter = Milliseconds{120'000})
      : min_(min), max_(max), resetAfter_(resetAfter), next_(min) {}

  template <class Random>
  Milliseconds next(SteadyTime now, Random& random) {
    if (last_ != SteadyTime{} && now - last_ > resetAfter_) next_ = min_;
    last_ = now;
    const Milliseconds base = next_;
    next_ = std::min(max_, next_ * 2);
    return std::min(
        max_, base + Milliseconds{std::uniform_int_distribution<long>(0, base.count())(random)});
  }

 private:
  Milliseconds min_, max_, resetAfter_, next_;
  SteadyTime last_{};
};

}  // namespace reprise::kube
