#include "signals/rate_limit.h"

#include <algorithm>
#include <cmath>

namespace reprise::signals {

std::optional<Milliseconds> RateLimit::take(const std::string& key, SteadyTime now) {
  const std::lock_guard lock(mutex_);
  auto it = buckets_.find(key);
  if (it == buckets_.end()) {
    if (buckets_.size() >= maxKeys_) {
      buckets_.erase(
          std::min_element(buckets_.begin(), buckets_.end(),
                           [](const auto& a, const auto& b) { return a.second.at < b.second.at; }));
    }
    it = buckets_.emplace(key, Bucket{burst_, now}).first;
  }
  auto& bucket = it->second;
  const double every = std::chrono::duration<double, std::milli>(every_).count();
  const double passed = std::chrono::duration<double, std::milli>(now - bucket.at).count();
  bucket.tokens = std::min(burst_, bucket.tokens + std::max(0.0, passed) / every);
  bucket.at = std::max(bucket.at, now);
  if (bucket.tokens >= 1) {
    bucket.tokens -= 1;
    return std::nullopt;
  }
  return Milliseconds(static_cast<std::int64_t>(std::ceil((1 - bucket.tokens) * every)));
}

}  // namespace reprise::signals
