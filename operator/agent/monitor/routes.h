// Which kinds of data are answered by the Pods of another version: a table from the context that a
// request names to the monitor of such a Pod. The operator sets it as a whole; the forwarding
// threads read it. Thread-safe.
#pragma once

#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>

#include "agent/monitor/upstream.h"
#include "base/result.h"

namespace reprise::agent::monitor {

inline constexpr std::size_t kMaxRoutes = 64;

class Routes {
 public:
  using Table = std::map<std::string, Endpoint, std::less<>>;  // context → ip:port

  // {"routes": {"<context>": "<ip>:<port>", …}}, at most kMaxRoutes; contexts as requests may name
  // them: 1 to 128 printable ASCII characters without a space. InvalidArgument names the entry.
  static Expected<Table> parse(std::string_view body);

  void set(Table table);
  std::shared_ptr<const Table> table() const;  // never null
  std::string json() const;                    // as parse() reads it
  // Another number after each set(): a thread that keeps the table asks for this first.
  std::uint64_t generation() const { return generation_.load(std::memory_order_acquire); }

 private:
  mutable std::mutex mutex_;
  std::shared_ptr<const Table> table_ = std::make_shared<const Table>();
  std::atomic<std::uint64_t> generation_{0};
};

// One thread's connections to where the routes lead.
class RoutePools {
 public:
  RoutePools(asio::io_context& io, const Routes& routes, std::size_t poolSize)
      : io_(io), routes_(routes), poolSize_(poolSize) {}

  // To the Pod that requests of this context go to; null: they are answered here.
  std::shared_ptr<UpstreamPool> find(std::string_view context);
  void clear();

 private:
  void refresh();

  asio::io_context& io_;
  const Routes& routes_;
  const std::size_t poolSize_;
  std::uint64_t seen_ = 0;
  std::shared_ptr<const Routes::Table> table_;
  std::map<Endpoint, std::shared_ptr<UpstreamPool>> pools_;
};

}  // namespace reprise::agent::monitor
