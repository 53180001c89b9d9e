#include "signals/monitor_poll.h"

#include <future>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

namespace reprise::signals {
namespace {

using nlohmann::json;

drift::Basis basis() {
  std::vector<drift::Row> rows;
  for (int i = 0; i < 40; ++i) rows.push_back({double(i % 7), double(i % 5)});
  return *drift::Basis::fit({"x", "y"}, rows);
}

json window(std::int64_t seq) {
  const auto b = basis();
  drift::Profile profile(b);
  for (int i = 0; i < 10; ++i) EXPECT_TRUE(profile.add(b, {double(i), 1.0}));
  return {{"seq", seq},
          {"firstMs", 1000 * seq},
          {"lastMs", 1000 * seq + 500},
          {"profile", profile.toJson()}};
}

// One monitor: a ring of windows, numbered from 1, and an instance that changes with a restart.
class FakeMonitor final : public http::Transport {
 public:
  std::mutex mutex;
  std::string instance = "one";
  std::vector<json> ring;
  int asked = 0;

  tl::expected<http::Response, http::TransportError> send(const http::Request& request,
                                                          std::chrono::milliseconds,
                                                          std::stop_token, std::size_t) override {
    std::lock_guard lock(mutex);
    ++asked;
    const auto after = std::stoll(request.url.substr(request.url.find("after=") + 6));
    json answer = {{"instance", instance},
                   {"golden", {{"state", "Passed"}, {"message", "3 of 3"}}},
                   {"windows", json::array()}};
    for (const auto& entry : ring) {
      if (entry["seq"].get<std::int64_t>() > after) answer["windows"].push_back(entry);
    }
    return http::Response{200, {}, answer.dump()};
  }
  tl::expected<std::unique_ptr<http::ByteStream>, http::TransportError> openStream(
      const http::Request&, std::chrono::milliseconds, std::stop_token) override {
    return tl::unexpected(http::TransportError{});
  }
};

struct MonitorPollTest : testing::Test {
  std::shared_ptr<FakeMonitor> monitor = std::make_shared<FakeMonitor>();
  MonitorPoll poll{monitor, Milliseconds(1), [](const std::string&) {}};

  // Waits for what has to come: bounded by ctest's own limit, not by a time of ours.
  template <class Predicate>
  void until(Predicate predicate) {
    while (!predicate()) std::this_thread::yield();
  }
  std::size_t seen() { return poll.view("ns/fuel")["pod"].windows.size(); }
};

TEST_F(MonitorPollTest, EachWindowIsTakenOnceAndARestartedMonitorIsReadFromItsBeginning) {
  monitor->ring = {window(1), window(2)};
  poll.watch("ns/fuel", {{"pod", "uid", "10.0.0.9:9091", "fuel-1"}});
  poll.start();
  until([&] { return seen() == 2; });
  const int before = [&] {
    std::lock_guard lock(monitor->mutex);
    return monitor->asked;
  }();
  until([&] {
    std::lock_guard lock(monitor->mutex);
    return monitor->asked > before + 3;
  });
  EXPECT_EQ(seen(), 2u) << "asked again, nothing new";
  {
    std::lock_guard lock(monitor->mutex);
    monitor->instance = "two";
    monitor->ring = {window(1)};
  }
  until([&] { return seen() == 3; });
  const auto view = poll.view("ns/fuel")["pod"];
  EXPECT_EQ(view.golden, "Passed");
  EXPECT_EQ(view.windows.front().servedVersion, "fuel-1");
  EXPECT_EQ(view.windows.front().profile.rows(), 10);
}

TEST_F(MonitorPollTest, APodThatIsGoneIsForgotten) {
  monitor->ring = {window(1)};
  poll.watch("ns/fuel", {{"pod", "uid", "10.0.0.9:9091", "fuel-1"}});
  poll.start();
  until([&] { return seen() == 1; });
  poll.watch("ns/fuel", {});
  EXPECT_TRUE(poll.view("ns/fuel").empty());
}

TEST(MonitorAnswer, WhatIsMalformedIsRefusedWhole) {
  EXPECT_FALSE(parseMonitorAnswer("[]", "v"));
  EXPECT_FALSE(parseMonitorAnswer("{\"windows\":[{\"seq\":1}]}", "v"));
  json twice = {{"windows", json::array({window(2), window(2)})}};
  EXPECT_FALSE(parseMonitorAnswer(twice.dump(), "v"));
  EXPECT_TRUE(parseMonitorAnswer("{\"instance\":\"a\"}", "v"));
}

}  // namespace
}  // namespace reprise::signals
