#include "signals/monitor_poll.h"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "signals/testing/answers.h"
#include "signals/testing/fake_monitors.h"

namespace reprise::signals {
namespace {

using nlohmann::json;

struct MonitorPollTest : testing::Test {
  std::shared_ptr<FakeMonitors> fake = std::make_shared<FakeMonitors>();
  std::atomic<int> news = 0;
  MonitorPoll poll{fake, Milliseconds(1), [this](const std::string&) { ++news; }};
  const MonitorTarget first{"pod-1", "uid-1", "10.0.0.1:9091", "fuel-1"};
  const MonitorTarget second{"pod-2", "uid-2", "10.0.0.2:9091", "fuel-2"};

  template <class Change>
  void change(const MonitorTarget& target, Change apply) {
    std::lock_guard lock(fake->mutex);
    apply(fake->monitors[target.address]);
  }
  // Waits for what has to come: bounded by ctest's own limit, not by a time of ours.
  template <class Predicate>
  void until(Predicate predicate) {
    while (!predicate()) std::this_thread::yield();
  }
  std::size_t seen() { return poll.view("ns/fuel")["pod-1"].windows.size(); }
};

TEST_F(MonitorPollTest, EachWindowIsTakenOnceAndARestartedMonitorIsReadFromItsBeginning) {
  change(first, [](auto& one) { one.windows = {windowEntry(1), windowEntry(2)}; });
  poll.watch("ns/fuel", {first});
  poll.start();
  until([&] { return seen() == 2; });
  int before = 0;
  change(first, [&](auto& one) { before = one.asked; });
  until([&] {
    int asked = 0;
    change(first, [&](auto& one) { asked = one.asked; });
    return asked > before + 3;
  });
  EXPECT_EQ(seen(), 2u) << "asked again, nothing new";
  change(first, [](auto& one) {
    one.instance = "two";
    one.windows = {windowEntry(1)};
  });
  until([&] { return seen() == 3; });
  const auto view = poll.view("ns/fuel")["pod-1"];
  EXPECT_EQ(view.golden, "Passed");
  EXPECT_EQ(view.windows.front().servedVersion, "fuel-1");
}

TEST_F(MonitorPollTest, APodThatIsGoneIsForgotten) {
  change(first, [](auto& one) { one.windows = {windowEntry(1)}; });
  poll.watch("ns/fuel", {first});
  poll.start();
  until([&] { return seen() == 1; });
  poll.watch("ns/fuel", {});
  EXPECT_TRUE(poll.view("ns/fuel").empty());
}

TEST_F(MonitorPollTest, APodThatDoesNotAnswerHoldsNoOtherBackAndSaysWhy) {
  change(first, [](auto& one) { one.windows = {windowEntry(1)}; });
  change(second, [](auto& one) { one.down = true; });
  poll.watch("ns/fuel", {first, second});
  poll.start();
  until([&] { return seen() == 1 && !poll.view("ns/fuel")["pod-2"].problem.empty(); });
  change(second, [](auto& one) { one.down = false; });
  until([&] { return poll.view("ns/fuel")["pod-2"].problem.empty(); });
}

TEST_F(MonitorPollTest, LabelsAreReadOnce) {
  change(first, [](auto& one) { one.feedback = {blockEntry(1, 50, 4), blockEntry(2, 50, 5)}; });
  poll.watch("ns/fuel", {first});
  poll.step();
  poll.step();
  EXPECT_EQ(poll.view("ns/fuel")["pod-1"].labels.size(), 2u);
  EXPECT_EQ(news, 1);
}

TEST_F(MonitorPollTest, ALabelThatCameToAnotherReplicaIsBroughtToTheOthersOnce) {
  const MonitorTarget third{"pod-3", "uid-3", "10.0.0.3:9091", "fuel-1"};
  change(first, [](auto& one) {
    one.stray = {{{"seq", 1}, {"id", "r1"}, {"label", 4}},
                 {{"seq", 2}, {"id", "r2"}, {"error", 0.5}}};
  });
  change(second, [](auto&) {});
  change(third, [](auto&) {});
  poll.watch("ns/fuel", {first, second, third});
  poll.step();
  poll.step();
  const json labels = {{{"id", "r1"}, {"label", 4}}, {{"id", "r2"}, {"error", 0.5}}};
  change(second, [&](auto& one) { EXPECT_EQ(one.relayed, std::vector{labels}); });
  change(third, [&](auto& one) { EXPECT_EQ(one.relayed, std::vector{labels}); });
  change(first, [&](auto& one) { EXPECT_TRUE(one.relayed.empty()) << "it came from there"; });
}

TEST_F(MonitorPollTest, RoutesAreToldOnceAndAgainWhereTheMonitorStartedAnew) {
  change(first, [](auto&) {});
  poll.watch("ns/fuel", {first}, {"secret", {{"uid-1", R"({"routes":{"B":"10.0.0.2:9090"}})"}}});
  poll.step();
  poll.step();
  const json body = {{"routes", {{"B", "10.0.0.2:9090"}}}};
  change(first, [&](auto& one) {
    EXPECT_EQ(one.routes, (std::vector{std::pair{std::string("Bearer secret"), body}}));
    one.instance = "two";
  });
  poll.step();
  change(first, [&](auto& one) { EXPECT_EQ(one.routes.size(), 2u); });
}

}  // namespace
}  // namespace reprise::signals
