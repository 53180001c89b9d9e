// What the monitor counts, for /metrics. Written by the forwarding threads, read by the admin side.
#pragma once

#include <array>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <string>

namespace reprise::agent::monitor {

using Count = std::atomic<std::uint64_t>;

inline void add(Count& count, std::uint64_t n = 1) {
  count.fetch_add(n, std::memory_order_relaxed);
}

// Upper bounds of the latency histogram's buckets, in microseconds.
inline constexpr std::array<std::uint32_t, 16> kLatencyBounds = {
    100,   250,    500,    1000,   2500,    5000,    10000,   25000,
    50000, 100000, 250000, 500000, 1000000, 2500000, 5000000, 10000000};

struct Counters {
  std::array<Count, 6> responses{};  // by the status' first digit; [0]: no answer could be sent
  std::array<Count, kLatencyBounds.size() + 1> latency{};  // not cumulated
  Count latencySumUs{0};
  Count connections{0}, connectionsRefused{0};
  std::atomic<std::int64_t> open{0}, inFlight{0};
  Count upstreamConnectErrors{0}, upstreamErrors{0}, upstreamTimeouts{0}, upstreamRetries{0};
  Count routed{0}, routeFallbacks{0};  // to another version's Pod; here, as that took no connection
  Count badRequests{0}, clientTimeouts{0}, upgrades{0};

  // Profiling. Dropped, by why: the rate is above the sample rate, the queue was full, the body is
  // too long.
  Count rows{0}, windows{0}, requestsProfiled{0};
  Count droppedRate{0}, droppedQueue{0}, droppedLong{0}, unreadable{0};
  Count labels{0}, labelsUnknown{0};
  std::atomic<double> errorSum{0};

  void answered(int status, std::chrono::microseconds took) {
    add(responses[static_cast<std::size_t>(status >= 100 && status < 600 ? status / 100 : 0)]);
    const auto us = static_cast<std::uint64_t>(took.count() < 0 ? 0 : took.count());
    std::size_t bucket = 0;
    while (bucket < kLatencyBounds.size() && us > kLatencyBounds[bucket]) ++bucket;
    add(latency[bucket]);
    add(latencySumUs, us);
  }
  std::uint64_t dropped() const { return droppedRate + droppedQueue + droppedLong; }
};

}  // namespace reprise::agent::monitor
