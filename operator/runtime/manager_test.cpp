#include "runtime/manager.h"

#include <signal.h>
#include <unistd.h>

#include <atomic>
#include <mutex>
#include <thread>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "runtime/health.h"
#include "runtime/http_routes.h"
#include "runtime/signals.h"
#include "runtime/testing/atomic_clock.h"

namespace reprise::runtime {
namespace {

using ::testing::ElementsAre;

class Log {
 public:
  void add(const std::string& line) {
    const std::lock_guard lock(mutex_);
    lines_.push_back(line);
  }
  std::vector<std::string> lines() const {
    const std::lock_guard lock(mutex_);
    return lines_;
  }
  void waitFor(const std::string& line) const {
    while (true) {
      const auto all = lines();
      if (std::find(all.begin(), all.end(), line) != all.end()) return;
      std::this_thread::yield();
    }
  }

 private:
  mutable std::mutex mutex_;
  std::vector<std::string> lines_;
};

struct Part : Runnable {
  Part(std::string partName, Log& partLog) : name_(std::move(partName)), log(partLog) {}
  std::string name() const override { return name_; }
  void start() override { log.add("+" + name_); }
  bool stop() override {
    log.add("-" + name_);
    return stops;
  }
  bool synced() const override { return isSynced; }
  const std::string name_;
  Log& log;
  std::atomic<bool> isSynced = true, stops = true;
};

class ManagerTest : public ::testing::Test {
 protected:
  ManagerTest() {
    manager.addServer(server);
    manager.addCache(cache);
    manager.addController(controller);
    manager.addSink(events);
    manager.setElection(election);
  }
  void start() {
    running = std::thread([this] { orderly = manager.run(stop.get_token()); });
  }
  bool finish() {
    stop.request_stop();
    running.join();
    return orderly;
  }
  testing::AtomicClock clock;
  Log log;
  Part server{"server", log}, cache{"cache", log}, controller{"controller", log},
      events{"events", log}, election{"election", log};
  Manager manager{clock, {.syncPoll = Milliseconds{1}}};
  std::stop_source stop;
  std::thread running;
  std::atomic<bool> orderly = false;
};

TEST_F(ManagerTest, Row29_StartsAndStopsInTheSafeOrderAndReleasesTheLeaseLast) {
  start();
  log.waitFor("+election");
  manager.elected();
  log.waitFor("+controller");
  EXPECT_TRUE(finish());
  EXPECT_THAT(log.lines(), ElementsAre("+server", "+cache", "+election", "+events", "+controller",
                                       "-controller", "-events", "-cache", "-server", "-election"));
}

TEST_F(ManagerTest, Row14_NothingWorksBeforeEveryCacheIsSynced) {
  cache.isSynced = false;
  start();
  log.waitFor("+cache");
  EXPECT_FALSE(manager.ready());
  EXPECT_THAT(manager.unsynced(), ElementsAre("cache"));
  EXPECT_THAT(log.lines(), ElementsAre("+server", "+cache"));
  cache.isSynced = true;
  log.waitFor("+election");
  EXPECT_TRUE(manager.ready()) << "a follower is ready too";
  EXPECT_TRUE(finish());
}

TEST_F(ManagerTest, AStopWhileItWaitsForCachesOrForTheLeaseEndsIt) {
  cache.isSynced = false;
  start();
  log.waitFor("+cache");
  EXPECT_TRUE(finish());
  EXPECT_FALSE(manager.ready());
}

TEST_F(ManagerTest, AFollowerStopsWithoutEverStartingControllers) {
  start();
  log.waitFor("+election");
  EXPECT_TRUE(finish());
  for (const std::string& line : log.lines()) EXPECT_NE(line, "+controller");
}

TEST_F(ManagerTest, AWorkerThatCannotBeEndedKeepsTheLeaseFromBeingReleased) {
  controller.stops = false;
  start();
  manager.elected();
  log.waitFor("+controller");
  EXPECT_FALSE(finish());
  for (const std::string& line : log.lines()) EXPECT_NE(line, "-election");
}

TEST_F(ManagerTest, ReadyzNamesWhatIsMissing) {
  HttpServer http{HttpServer::Options{.address = "127.0.0.1"}};
  cache.isSynced = false;
  EXPECT_THAT(manager.unsynced(), ElementsAre("cache"));
  handleHealth(http, manager);
  EXPECT_EQ(http.answer({"GET", "/readyz", "", {}, ""}).status, 503);
  EXPECT_NE(http.answer({"GET", "/readyz", "", {}, ""}).body.find("not synced: cache"),
            std::string::npos);
  EXPECT_EQ(http.answer({"GET", "/healthz", "", {}, ""}).status, 200);
  cache.isSynced = true;
  start();
  log.waitFor("+election");
  EXPECT_EQ(http.answer({"GET", "/readyz", "", {}, ""}).status, 200);
  EXPECT_TRUE(finish());
}

TEST_F(ManagerTest, ReadyzNamesWhatIsWrongBesides) {
  HttpServer http{HttpServer::Options{.address = "127.0.0.1"}};
  std::string problem = "the kinds are old\n";
  handleHealth(http, manager, [&] { return problem; });
  start();
  log.waitFor("+election");
  EXPECT_EQ(http.answer({"GET", "/readyz", "", {}, ""}).status, 503);
  EXPECT_EQ(http.answer({"GET", "/readyz", "", {}, ""}).body, "not ready\nthe kinds are old\n");
  problem.clear();
  EXPECT_EQ(http.answer({"GET", "/readyz", "", {}, ""}).status, 200);
  EXPECT_TRUE(finish());
}

TEST(Signals, SigtermRequestsTheStopAndDoesNotEndTheProcess) {
  StopOnSignals signals;
  EXPECT_FALSE(signals.token().stop_requested());
  ASSERT_EQ(::kill(::getpid(), SIGTERM), 0);
  while (!signals.token().stop_requested()) std::this_thread::yield();
}

}  // namespace
}  // namespace reprise::runtime
