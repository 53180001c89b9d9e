// Token buckets by key, a bounded number of them. Thread-safe.
#pragma once

#include <map>
#include <mutex>
#include <optional>
#include <string>

#include "base/time.h"

namespace reprise::signals {

class RateLimit {
 public:
  // At most `burst` at once, and one more each `every`. Of more than `maxKeys` keys those that were
  // not used for the longest are forgotten: their buckets are full again.
  RateLimit(int burst, Milliseconds every, std::size_t maxKeys = 4096)
      : burst_(burst), every_(every), maxKeys_(maxKeys) {}

  // Takes one. Where there is none: how long until there is.
  std::optional<Milliseconds> take(const std::string& key, SteadyTime now);

 private:
  struct Bucket {
    double tokens = 0;
    SteadyTime at;
  };
  const double burst_;
  const Milliseconds every_;
  const std::size_t maxKeys_;
  std::mutex mutex_;
  std::map<std::string, Bucket> buckets_;
};

}  // namespace reprise::signals
