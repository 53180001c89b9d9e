#include "runtime/elector.h"

#include <condition_variable>
#include <memory>
#include <mutex>
#include <vector>

#include <gtest/gtest.h>

#include "runtime/testing/atomic_clock.h"
#include "runtime/testing/fake_client.h"

namespace reprise::runtime {
namespace {

using kube::resources::leases;
using std::chrono::seconds;
using testing::AtomicClock;
using testing::FakeClient;
using testing::Json;

class ElectorTest : public ::testing::Test {
 protected:
  struct Candidate {
    FakeClock clock;  // each machine has its own
    int elected = 0;
    std::vector<std::string> lost;
    std::unique_ptr<Elector> elector;
  };
  std::unique_ptr<Candidate> candidate(const std::string& identity,
                                       Milliseconds wallOffset = Milliseconds{0}) {
    auto made = std::make_unique<Candidate>();
    made->clock.advance(wallOffset);
    Candidate* c = made.get();
    Elector::Callbacks callbacks{[c] { ++c->elected; },
                                 [c](const std::string& why) { c->lost.push_back(why); }};
    c->elector = std::make_unique<Elector>(
        client, c->clock, Elector::Options{.ns = "sys", .name = "reprise", .identity = identity},
        callbacks, [] { return 0.5; });
    return made;
  }
  Json spec() { return client.find(leases, "sys", "reprise").value()["spec"]; }
  void advance(std::initializer_list<Candidate*> all, Milliseconds by) {
    for (Candidate* c : all) c->clock.advance(by);
  }
  FakeClient client;
};

TEST_F(ElectorTest, TheFirstMakesTheLeaseAndLeads) {
  auto a = candidate("a");
  EXPECT_FALSE(a->elector->leads());
  EXPECT_TRUE(a->elector->attempt());
  EXPECT_TRUE(a->elector->leads());
  EXPECT_EQ(a->elected, 1);
  EXPECT_EQ(spec()["holderIdentity"], "a");
  EXPECT_EQ(spec()["leaseDurationSeconds"], 15);
  EXPECT_EQ(spec()["leaseTransitions"], 0);
  EXPECT_EQ(spec()["renewTime"].get<std::string>().size(),
            std::string("2023-11-14T22:13:20.000000Z").size());
  a->elector->attempt();
  EXPECT_EQ(a->elected, 1) << "a renewal is no second election";
}

TEST_F(ElectorTest, Row26_TheSecondWaitsTheWholeDurationAfterTheLastChangeItSaw) {
  auto a = candidate("a");
  auto b = candidate("b");
  a->elector->attempt();
  EXPECT_FALSE(b->elector->attempt());
  advance({a.get(), b.get()}, seconds{9});
  a->elector->attempt();  // the last renewal; then a is gone
  advance({b.get()}, seconds{1});
  EXPECT_FALSE(b->elector->attempt());  // here b sees the change
  advance({b.get()}, Milliseconds{14'999});
  EXPECT_FALSE(b->elector->attempt());
  advance({b.get()}, Milliseconds{1});
  EXPECT_TRUE(b->elector->attempt());
  EXPECT_EQ(spec()["holderIdentity"], "b");
  EXPECT_EQ(spec()["leaseTransitions"], 1);
}

TEST_F(ElectorTest, Row26_AWallClockThatIsWrongByDaysDecidesNothing) {
  auto a = candidate("a");
  auto ahead = candidate("ahead", std::chrono::hours{72});
  a->elector->attempt();
  EXPECT_FALSE(ahead->elector->attempt()) << "by its clock the lease ran out three days ago";
  EXPECT_EQ(spec()["holderIdentity"], "a");
}

TEST_F(ElectorTest, TwoNeverLeadAtOnceWhereTheLeaderIsCutOff) {
  auto a = candidate("a");
  auto b = candidate("b");
  a->elector->attempt();
  b->elector->attempt();
  for (int tick = 0; tick < 200; ++tick) {  // 20 s in which a reaches nobody
    advance({a.get(), b.get()}, Milliseconds{100});
    b->elector->attempt();
    ASSERT_FALSE(a->elector->leads() && b->elector->leads()) << "after " << tick * 100 << " ms";
  }
  EXPECT_TRUE(b->elector->leads());
  EXPECT_FALSE(a->elector->checkDeadline());
  EXPECT_EQ(a->lost.size(), 1u);
}

TEST_F(ElectorTest, Row27_TheDeadlineCountsFromWhenTheRequestWasSent) {
  auto a = candidate("a");
  a->elector->attempt();
  client.onCall = [&](const std::string& verb, const std::string&, const std::string&) {
    if (verb == "replace") a->clock.advance(seconds{6});  // the server is slow
  };
  EXPECT_TRUE(a->elector->attempt());
  a->clock.advance(Milliseconds{3'999});
  EXPECT_TRUE(a->elector->leads());
  a->clock.advance(Milliseconds{1});
  EXPECT_FALSE(a->elector->leads()) << "10 s after the send, 4 s after the answer";
}

TEST_F(ElectorTest, Row27_FailingRenewalsEndInTheWatchdogAndALateAnswerDoesNotHelp) {
  auto a = candidate("a");
  a->elector->attempt();
  for (int i = 0; i < 4; ++i) {
    a->clock.advance(seconds{2});
    client.failNext({ErrorCode::Unavailable, "down", Sent::No, {}});
    EXPECT_TRUE(a->elector->attempt());
    EXPECT_TRUE(a->elector->checkDeadline());
  }
  a->clock.advance(seconds{2});
  EXPECT_FALSE(a->elector->checkDeadline());
  ASSERT_EQ(a->lost.size(), 1u);
  EXPECT_NE(a->lost[0].find("10s"), std::string::npos);
  EXPECT_FALSE(a->elector->attempt());
  EXPECT_FALSE(a->elector->leads());
  EXPECT_EQ(a->lost.size(), 1u) << "told once";
}

TEST_F(ElectorTest, ALeaseThatNamesAnotherOrNobodyIsLostAtOnce) {
  for (const char* holder : {"b", ""}) {
    client.erase(leases, "sys", "reprise");
    auto a = candidate("a");
    a->elector->attempt();
    Json lease = client.find(leases, "sys", "reprise").value();
    lease["spec"]["holderIdentity"] = holder;
    client.put(leases, lease);
    EXPECT_FALSE(a->elector->attempt());
    EXPECT_EQ(a->lost.size(), 1u) << holder;
    EXPECT_FALSE(a->elector->leads());
  }
}

TEST_F(ElectorTest, OfTwoThatTryAtOnceTheVersionLetsOneWin) {
  auto a = candidate("a");
  auto b = candidate("b");
  Json lease = {{"apiVersion", "coordination.k8s.io/v1"},
                {"kind", "Lease"},
                {"metadata", {{"name", "reprise"}, {"namespace", "sys"}}}};
  client.put(leases, lease);  // there, and nobody's
  bool once = true;
  client.onCall = [&](const std::string& verb, const std::string&, const std::string&) {
    if (verb == "replace" && std::exchange(once, false))
      b->elector->attempt();  // between a's read and write
  };
  EXPECT_FALSE(a->elector->attempt());
  EXPECT_TRUE(b->elector->leads());
  EXPECT_FALSE(a->elector->leads());
}

TEST_F(ElectorTest, StopReleasesSoThatTheNextNeedNotWait) {
  auto a = candidate("a");
  auto b = candidate("b");
  a->elector->attempt();
  EXPECT_FALSE(b->elector->attempt());
  a->elector->stop();
  EXPECT_FALSE(a->elector->leads());
  EXPECT_EQ(spec()["holderIdentity"], "");
  EXPECT_TRUE(b->elector->attempt());
  EXPECT_TRUE(a->lost.empty()) << "an orderly end is no loss";
}

TEST_F(ElectorTest, AnExLeaderReleasesNothing) {
  auto a = candidate("a");
  auto b = candidate("b");
  a->elector->attempt();
  b->elector->attempt();
  advance({a.get(), b.get()}, seconds{15});
  EXPECT_TRUE(b->elector->attempt());
  a->elector->stop();
  EXPECT_EQ(spec()["holderIdentity"], "b");
}

TEST_F(ElectorTest, Row27_TheWatchdogActsWhileARequestHangs) {
  AtomicClock clock;
  std::mutex mutex;
  std::condition_variable changed;
  bool hang = false, hangs = false, lost = false;
  Elector elector(client, clock,
                  {.ns = "sys", .name = "reprise", .identity = "a", .retryPeriod = Milliseconds{1}},
                  {[] {},
                   [&](const std::string&) {
                     const std::lock_guard lock(mutex);
                     lost = true;
                     changed.notify_all();
                   }},
                  [] { return 0.0; });
  client.onCall = [&](const std::string&, const std::string&, const std::string&) {
    std::unique_lock lock(mutex);
    if (!hang) return;
    hangs = true;
    changed.notify_all();
    changed.wait(lock, [&] { return !hang; });
  };
  elector.attempt();
  hang = true;
  elector.start();
  std::unique_lock lock(mutex);
  changed.wait(lock, [&] { return hangs; });
  clock.advance(seconds{10});
  changed.wait(lock,
               [&] { return lost; });  // hangs for ever if the watchdog shares the elector's thread
  EXPECT_FALSE(elector.leads());
  hang = false;
  changed.notify_all();
  lock.unlock();
  elector.stop();
}

}  // namespace
}  // namespace reprise::runtime
